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

// To Steer.
struct Steered { AppId app; };
struct SteerFailed { AppId app; std::string text; };

// To Spawn. After LaunchFailed nothing more is heard of that worker.
struct Launched { WorkerId worker; };
struct LaunchFailed {
  WorkerId worker;
  Reason reason = Reason::exec_failed;  // exec_failed or spawn_failed
  std::string text;                     // "exec ./server: No such file or directory"
};

// To Starve; neither comes before it is so twice in a row.
struct WorkerStarved { WorkerId worker; };
struct WorkerEmpty { WorkerId worker; };

// ---- what workers do ----

struct ExitStatus {
  bool signaled = false;
  int code = 0;  // exit status, or the signal's number
  bool core_dumped = false;
  bool unknown = false;  // it was nobody's child who could have told
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
// A server that runs is to become the first worker of an app that does not: the shell takes it over instead of spawning
// the first worker of what follows.
struct AdoptAsked { RequestId request; AppId app; Duration timeout = kForever; };
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
// A new master has taken over, after all that is known of what happened before. What was asked of the old one and is
// not answered is asked for again; a hook that is not among these, by their requests, has ended with its master.
struct Resumed { std::vector<RequestId> hooks; };

using Event = std::variant<
    Begun, TimePassed, Resumed, HookEnded, ReleasePrepared, ReleaseRefused, ListenersOpened, ListenersFailed,
    ListenersQuiet, Steered, SteerFailed, Launched, LaunchFailed, WorkerStarved, WorkerEmpty, WorkerReady,
    WorkerStopping, DeadlineExtended, WatchdogPinged, WatchdogTriggered, WatchdogChanged, WorkerExited, TreeGone,
    UpgradeAsked, RestartAsked, ScaleAsked, StartAsked, AdoptAsked, StopAsked, AbortAsked, WaitAsked, DrainAsked,
    ShutdownAsked, RequestGone>;

}  // namespace liveswap::core
