// One worker: its states, the deadline of each, and how it is made to leave. It knows no slots and no
// rollouts.
//
//   starting ──ready──▶ ready ──drain──▶ draining ──time is up, or it is cut──▶ stopping ──▶ gone
//      │                  │                  ▲                                    ▲
//      └──drain: it may have accepted────────┘    stop, hung: from every state────┘
//
// Leaving goes by steps, each with a deadline: starved, where its listeners are steered; asked to drain; the stop
// signal to its main process; SIGKILL to all that it started, again and again until that is gone. One signal is never
// sent twice to a worker's main process: where the drain was asked by the stop signal itself, the stop step only waits.
//
// A worker is starved once new connections go elsewhere (steering.hpp), and is not asked anything before its queues are
// empty: nobody else would accept what waits there. One that would cut its clients is asked only when it has none left.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "core/desk.hpp"
#include "core/ids.hpp"
#include "core/plan.hpp"
#include "core/tables.hpp"

namespace liveswap::core {

// Which state may follow which; an exit is possible from each. `backoff` belongs to slots, not to workers.
constexpr bool is_legal(WorkerState from, WorkerState to) {
  constexpr auto legal = std::to_array<std::pair<WorkerState, WorkerState>>({
      {WorkerState::starting, WorkerState::ready},
      {WorkerState::starting, WorkerState::draining},
      {WorkerState::starting, WorkerState::stopping},
      {WorkerState::ready, WorkerState::draining},
      {WorkerState::ready, WorkerState::stopping},
      {WorkerState::draining, WorkerState::stopping},
  });
  for (const auto& [before, after] : legal) {
    if (before == from && after == to) return true;
  }
  return false;
}

// Of a worker that leaves and whose listeners are steered: before it is asked to drain.
enum class Starving {
  no,
  wanted,  // new connections may go to it still, or its program does not run yet
  begun,   // its queues, or also its connections, are waited for
};

struct Worker {
  WorkerId id;
  AppId app;
  GenerationId generation;
  ReleaseId release;
  Slot slot = 0;
  std::shared_ptr<const AppPolicy> policy;  // of its release

  WorkerState state = WorkerState::starting;
  Time since{};
  std::optional<Time> ready_since;  // set once and kept
  bool launched = false;            // its program runs; before that a drain is only noted
  bool failed = false;              // leaves without having served, or hung: it gets no more extensions
  Starving starving = Starving::no;
  bool main_gone = false;           // its main process was reaped, others of its tree may live
  std::set<int> sent{};             // signals that its main process has been sent
  unsigned kills = 0;               // SIGKILLs to its tree
  std::optional<Duration> watchdog{};

  bool serves() const { return state == WorkerState::starting || state == WorkerState::ready; }
};

// How long what waits in queues that get no new connection may take to be accepted. Whoever waits longer than this
// meets a program that does not accept.
inline constexpr Duration kQueuesMax = std::chrono::seconds(5);

// A drain that ended with its time-out has had its time; one that is cut short has not.
enum class StopStep { cut_short, time_is_up };

Note note_of(NoteKind kind, const Worker& worker);

// Its deadlines and what they lead to. All of these ignore a worker that is past that point already.
void start_worker(Desk& desk, const Worker& worker);  // Spawn was or is being asked for
void worker_launched(Desk& desk, Worker& worker);     // a drain that was asked for before is passed on now
void worker_ready(Desk& desk, Worker& worker);
void worker_pinged(Desk& desk, Worker& worker);
void set_watchdog(Desk& desk, Worker& worker, Duration interval);
void extend_deadline(Desk& desk, const Worker& worker, Duration by);
// For a draining worker that has served; any other one has nothing to finish. Tells whether it was one.
bool add_drain_time(Desk& desk, const Worker& worker, Duration more);

// Ask it to drain. One that never was ready has nothing that is worth more than stop.timeout.
void drain_worker(Desk& desk, Worker& worker, Reason reason = Reason::none);
// It gets nothing new any more. Only a worker that is to be starved is.
void starve_worker(Desk& desk, Worker& worker);
// Nothing waits in its queues any more, or has had its time.
void worker_starved(Desk& desk, Worker& worker);
// It has no connection open, either.
void worker_empty(Desk& desk, Worker& worker);
// It said by itself that it is leaving: there is nothing to ask for.
void worker_leaves_by_itself(Desk& desk, Worker& worker);
void stop_worker(Desk& desk, Worker& worker, StopStep step = StopStep::cut_short);
// It hangs: SIGABRT, so that it leaves a core to look at.
void abort_worker(Desk& desk, Worker& worker);
// Its main process ended and others are left: they are ended too.
void end_leftovers(Desk& desk, Worker& worker);
// The time-out of draining or stopping has passed.
void leaving_time_is_up(Desk& desk, Worker& worker);
void disarm(Desk& desk, const Worker& worker);

}  // namespace liveswap::core
