// A rollout: the running change of an app, from a request (or the master's start) until its verdict.
//
//   preparing ──release made──▶ starting ──all of `pending` ready──▶ done
//      │                           │
//      │                           └──a fresh worker fails, abort──▶ rolling_back ──▶ rolled back
//      └──refused, aborted: nothing has changed                 all of `owed` ready, all of `unproven` gone
//
// Start, upgrade and restart make a new generation beside the old one; restart of one slot, restart --now and
// scale work in place, within the generation that serves. An upgrade by a policy without overlap stops the old
// generation at its begin; one that fails starts it again. Functions here change one app and record; what
// follows from the new state is decided by advance_rollout() once a step, when all facts are in.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/backoff.hpp"
#include "core/capacity.hpp"
#include "core/event.hpp"
#include "core/ids.hpp"
#include "core/tables.hpp"
#include "core/time.hpp"

namespace liveswap::core {

struct Supervisor;
struct App;
struct Generation;
struct Worker;

// Why something failed, in the words of what failed.
struct Failure {
  Reason reason = Reason::none;
  std::string text;
  std::optional<Slot> slot{};
  std::vector<std::string> last_lines{};
  WorkerId worker{};
  std::optional<ExitStatus> status{};
};

struct Rollout {
  RolloutKind kind{};
  RolloutPhase phase = RolloutPhase::preparing;
  Time begun{};
  std::optional<RequestId> request{};  // who asked; none: the master itself, at its start
  bool opening = false;                // listeners are being bound, before anything else
  bool if_changed = false;
  bool in_place = false;         // no generation of its own
  bool adopts = false;           // a server that runs already is its one worker
  std::optional<Slot> slot{};    // restart of that slot only
  bool now = false;              // restart --now
  bool retries = false;          // the first start under on_failure: retry
  bool in_trouble = false;       // … which something has gone wrong with already
  bool hook_pending = false;     // RunHook awaits its answer
  std::optional<std::string> target{};  // that the hook has chosen
  bool prepare_pending = false;  // PrepareRelease awaits its answer
  Backoff prepare_backoff{};

  ReleaseId release{};
  GenerationId generation{};  // the one that it works on: the new one, or in place
  GenerationId old{};         // the one to be replaced; 0: none
  Capacity capacity{};
  std::uint32_t size_before = 0;                   // scale: what to go back to
  std::optional<std::uint32_t> override_before{};  // scale
  std::set<Slot> pending{};                        // to be ready before it is done
  std::set<WorkerId> fresh{};                      // its workers: the death of one is its failure
  std::set<WorkerId> replaced{};                   // asked to drain by it, and not gone yet
  std::set<Slot> owed{};                           // rolling back: slots to be ready again
  std::set<WorkerId> unproven{};                   // rolling back: never were ready, to be gone
  Failure failure{};
};

bool is_retrying_start(const App& app);

void start_app(Supervisor& s, App& app, std::optional<RequestId> request);
void begin_upgrade(Supervisor& s, App& app, const UpgradeAsked& asked);
void begin_restart(Supervisor& s, App& app, const RestartAsked& asked);
void begin_scale(Supervisor& s, App& app, const ScaleAsked& asked, std::uint32_t size,
                 std::optional<std::uint32_t> pin);
void abort_rollout(Supervisor& s, App& app);
// It ends at once, and nothing is restored: the app is being stopped.
void abandon_rollout(Supervisor& s, App& app, Reason reason);

// Answers to what it asked the shell for.
void listeners_opened(Supervisor& s, App& app);
void listeners_failed(Supervisor& s, App& app, const std::string& text);
void hook_ended(Supervisor& s, App& app, const HookEnded& event);
void release_prepared(Supervisor& s, App& app, const ReleasePrepared& event);
void release_refused(Supervisor& s, App& app, const ReleaseRefused& event);
void prepare_again(Supervisor& s, App& app);

// What happens to workers while it runs. The loss of a fresh one is its failure, unless it left by itself.
void rollout_sees_ready(App& app, const Generation& generation, const Worker& worker);
void rollout_sees_loss(Supervisor& s, App& app, const Worker& worker, const Failure& failure, bool by_itself);
void rollout_sees_end(App& app, WorkerId worker);   // of its main process
void rollout_sees_gone(App& app, WorkerId worker);  // with all that it started
void slot_gave_up_in_rollout(Supervisor& s, App& app, Generation& generation, Slot slot,
                             const Failure& failure);

// Once a step.
void advance_rollout(Supervisor& s, App& app);

}  // namespace liveswap::core
