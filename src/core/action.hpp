// Actions: everything that the core ever asks of the shell. Plain values, imperative.
//
// The shell performs them in order. Every action that can fail is answered by an event, named beside it.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/tables.hpp"

namespace liveswap::core {

// Read the app's section (or apply what the request overrides), resolve and pin it: ReleasePrepared, ReleaseRefused.
// No request: a start by the master itself. The number of a refused release is given out again; one whose rollout
// ended before the answer came is answered by DropRelease.
// `target`: that a hook has chosen instead of what was asked for.
struct PrepareRelease {
  AppId app;
  ReleaseId release;
  std::optional<RequestId> request;
  std::optional<std::string> target{};
};
// Run the app's pre_upgrade hook for that upgrade, before its release is made: HookEnded, within hooks.timeout. After
// StopHook no answer is wanted; one that comes nevertheless is ignored.
struct RunHook { AppId app; RequestId request; };
struct StopHook { AppId app; RequestId request; };
// Nothing needs the release any more: let go of what it pins.
struct DropRelease { AppId app; ReleaseId release; };

// Bind the app's listeners again after a stop: ListenersOpened, ListenersFailed. Each is answered once, in order,
// also where CloseListeners came in between.
struct OpenListeners { AppId app; };
// New clients of the listeners that no other started app lists are made to wait; ListenersQuiet once their queues
// are empty (but not after CloseListeners, which does not always wait for it).
struct QuiesceListeners { AppId app; };
// Close the listeners that no other started app lists.
struct CloseListeners { AppId app; };
// Put back what a worker can have changed on the shared sockets (the backlog), after it became ready.
struct ReassertListeners { AppId app; };

// New connections of the app's steered listeners go to the sockets of these workers from now on, to each in the same
// share, and to no others: Steered, or SteerFailed and they go where they went before. Each is answered once, in order.
struct Steer { AppId app; std::vector<WorkerId> workers; };

// Launched, LaunchFailed, later WorkerExited.
struct Spawn { WorkerId worker; AppId app; Slot slot; GenerationId generation; ReleaseId release; };
// New connections go elsewhere by Steered, unless there is nobody else: WorkerStarved once nothing waits in the queues
// that are its own, WorkerEmpty once it has no connection open, either.
struct Starve { WorkerId worker; };
// By the app's protocol, once at most, and only after Launched. `timeout`: when it will be stopped.
struct AskDrain { WorkerId worker; Duration timeout; };
// To the main process, or to all that the worker started. Can come as soon as Spawn was performed, before Launched.
struct SignalWorker { WorkerId worker; int signo; bool whole_tree = false; };

// How a request ended.
struct Outcome {
  Result result = Result::done;
  Reason reason = Reason::none;
  AppId app{};
  ReleaseId release{};        // that serves now
  GenerationId generation{};  // that serves now
  std::string text;           // the cause, in the words of whatever failed; may be empty
  std::optional<Slot> slot;   // of the worker that failed
  std::vector<std::string> last_lines;  // of the stderr of the worker that failed, oldest first
  std::uint32_t serving = 0;  // workers that are ready
  std::uint32_t wanted = 0;
};
struct Answer { RequestId request; Outcome outcome; };

// Something that people may want to know. Unused fields are zero or empty.
struct Note {
  NoteKind kind{};
  AppId app{};
  GenerationId generation{};
  ReleaseId release{};
  WorkerId worker{};
  std::optional<Slot> slot;
  std::optional<RolloutKind> rollout;
  Reason reason = Reason::none;
  std::optional<ExitStatus> status;
  std::optional<int> signo;
  std::optional<Duration> wait;  // back-off, or time that a drain may take
  std::uint32_t count = 0;       // workers concerned
  std::string text;
  std::vector<std::string> last_lines;
};
struct Tell { Note note; };

// Everything has ended: leave with this status. The last action of all.
struct Exit { int status = 0; };

using Action = std::variant<RunHook, StopHook, PrepareRelease, DropRelease, OpenListeners, QuiesceListeners,
                            CloseListeners, ReassertListeners, Steer, Spawn, Starve, AskDrain, SignalWorker, Answer,
                            Tell, Exit>;
using ActionList = std::vector<Action>;

}  // namespace liveswap::core
