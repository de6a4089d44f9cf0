// Events: everything that the core is ever told. Plain values, past tense.
//
// The shell posts them in the order in which it learnt of them. An event about a worker, release or request that the
// core no longer knows is normal (it was on its way when that thing ended) and is ignored.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/ids.hpp"
#include "core/plan.hpp"
#include "core/tables.hpp"

namespace liveswap::core {

// ---- answers to actions ----

// To PrepareRelease. `same_as_current`: program, target, directory, environment, limits and policy are those of the
// app's present release.
struct ReleasePrepared {
  AppId app;
  ReleaseId release;
  AppPolicy policy;
  std::string label;
  bool same_as_current = false;
};
struct ReleaseRefused {
  AppId app;
  ReleaseId release;
  std::string text;
};

// To RunHook. `ok`: the upgrade goes on, to `target` if the hook has chosen one.
struct HookEnded {
  AppId app;
  RequestId request;
  bool ok = false;
  std::optional<std::string> target{};
  std::string text{};                     // why not: "./pull.sh: exited with status 3"
  std::vector<std::string> last_lines{};  // that it wrote, oldest first
};

// To OpenListeners and QuiesceListeners.
struct ListenersOpened { AppId app; };
struct ListenersFailed { AppId app; std::string text; };
struct ListenersQuiet { AppId app; };  // nothing waits in the queues of the listeners that only this app uses

// To Spawn. After LaunchFailed nothing more is heard of that worker.
struct Launched { WorkerId worker; };
struct LaunchFailed {
  WorkerId worker;
  Reason reason = Reason::exec_failed;  // exec_failed or spawn_failed
  std::string text;                     // "exec ./server: No such file or directory"
};

// ---- what workers do ----

struct ExitStatus {
  bool signaled = false;
  int code = 0;  // exit status, or the signal's number
  bool core_dumped = false;
};

struct WorkerReady { WorkerId worker; };
struct WorkerStopping { WorkerId worker; };                           // it said by itself that it is leaving
struct DeadlineExtended { WorkerId worker; Duration by; };            // EXTEND_TIMEOUT_USEC: from now
struct WatchdogPinged { WorkerId worker; };
struct WatchdogTriggered { WorkerId worker; };                        // the worker itself asks to be taken for hung
struct WatchdogChanged { WorkerId worker; Duration interval; };

// Its main process has ended and was reaped. `tree_gone`: it left no process behind, so no TreeGone follows.
struct WorkerExited {
  WorkerId worker;
  ExitStatus status;
  std::vector<std::string> last_lines;  // of its stderr, oldest first
  bool tree_gone = true;
};
struct TreeGone { WorkerId worker; };

// ---- what operators ask; each is answered once by Answer, unless RequestGone comes first ----

enum class WaitLevel { none, ready, committed, drained };

struct UpgradeAsked {
  RequestId request;
  AppId app;
  WaitLevel wait = WaitLevel::committed;
  Duration timeout = kForever;
  bool if_changed = false;
  bool hook = false;  // the app has a hook that is to run first
};
struct RestartAsked {
  RequestId request;
  AppId app;
  std::optional<Slot> slot;  // only that one
  bool now = false;          // stop and respawn, without overlap
  WaitLevel wait = WaitLevel::committed;
  Duration timeout = kForever;
};
struct ScaleAsked {
  RequestId request;
  AppId app;
  enum class How { absolute, relative, reset } how = How::absolute;
  int count = 0;
  WaitLevel wait = WaitLevel::committed;
  Duration timeout = kForever;
};
struct StartAsked { RequestId request; AppId app; Duration timeout = kForever; };
struct StopAsked { RequestId request; AppId app; bool now = false; Duration timeout = kForever; };
struct AbortAsked { RequestId request; AppId app; };
struct WaitAsked { RequestId request; AppId app; WaitLevel level = WaitLevel::committed; Duration timeout = kForever; };
struct DrainAsked {
  RequestId request;
  AppId app;
  std::optional<GenerationId> generation;  // default: all that drain
  std::optional<Duration> extend;          // later deadline by that much; without it: cut now
};
struct ShutdownAsked { std::optional<RequestId> request; bool now = false; };  // no request: a signal
struct RequestGone { RequestId request; };  // its client went away: no answer is wanted

// ---- the rest ----

struct Begun {};       // once, first: start all apps; their listeners are bound
struct TimePassed {};  // the deadline that next_deadline() named has come

using Event = std::variant<
    Begun, TimePassed, HookEnded, ReleasePrepared, ReleaseRefused, ListenersOpened, ListenersFailed, ListenersQuiet,
    Launched, LaunchFailed, WorkerReady, WorkerStopping, DeadlineExtended, WatchdogPinged, WatchdogTriggered,
    WatchdogChanged, WorkerExited, TreeGone, UpgradeAsked, RestartAsked, ScaleAsked, StartAsked, StopAsked,
    AbortAsked, WaitAsked, DrainAsked, ShutdownAsked, RequestGone>;

}  // namespace liveswap::core
