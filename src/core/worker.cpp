#include "core/worker.hpp"

#include <algorithm>
#include <cassert>
#include <csignal>

namespace liveswap::core {

namespace {

// What SIGKILL does not end, a process in an uninterruptible wait say, is killed again after that time, then
// after twice as long, and so on.
constexpr Duration kKillAgainMin = std::chrono::seconds(1);
constexpr Duration kKillAgainMax = std::chrono::minutes(5);

void set_state(Desk& desk, Worker& worker, WorkerState state) {
  assert(is_legal(worker.state, state));
  worker.state = state;
  worker.since = desk.now;
  if (state != WorkerState::stopping) return;
  worker.starving = Starving::no;
  desk.timers.disarm(starve_timer(worker.id));
}

void set_deadline(Desk& desk, const Worker& worker, Duration from_now) {
  desk.timers.arm(state_timer(worker.id), later(desk.now, from_now));
}

void await_ping(Desk& desk, const Worker& worker) {
  const bool watched = worker.state == WorkerState::ready || worker.state == WorkerState::draining;
  if (!watched || worker.main_gone || !worker.watchdog) return desk.timers.disarm(watchdog_timer(worker.id));
  desk.timers.arm(watchdog_timer(worker.id), later(desk.now, *worker.watchdog));
}

bool send_once(Desk& desk, Worker& worker, int signo) {
  if (!worker.sent.insert(signo).second) return false;
  desk.act(SignalWorker{worker.id, signo});
  return true;
}

void pass_on_drain(Desk& desk, Worker& worker, Duration timeout) {
  desk.act(AskDrain{worker.id, timeout});
  if (worker.policy->drain_by_signal) worker.sent.insert(worker.policy->drain_signal);
}

Duration time_left(const Desk& desk, const Worker& worker) {
  const Time deadline = desk.timers.at(state_timer(worker.id)).value_or(kNever);
  return deadline == kNever ? kForever : std::max(deadline - desk.now, Duration::zero());
}

// Whether it was being starved until now.
bool end_starving(Desk& desk, Worker& worker) {
  if (worker.starving != Starving::begun) return false;
  worker.starving = Starving::no;
  desk.timers.disarm(starve_timer(worker.id));
  return true;
}

void kill_tree(Desk& desk, Worker& worker) {
  desk.act(SignalWorker{worker.id, SIGKILL, true});
  if (worker.kills == 0) desk.tell(note_of(NoteKind::worker_killed, worker));
  const Duration first = std::clamp(worker.policy->stop_timeout, kKillAgainMin, kKillAgainMax);
  const unsigned doublings = std::min(worker.kills, 10U);
  worker.kills += 1;
  set_deadline(desk, worker, std::min(first * (1 << doublings), kKillAgainMax));
}

void tell_stopping(Desk& desk, const Worker& worker, std::optional<int> signo, Reason reason) {
  Note note = note_of(NoteKind::worker_stopping, worker);
  note.signo = signo;
  note.reason = reason;
  note.wait = worker.policy->stop_timeout;
  desk.tell(std::move(note));
}

}  // namespace

Note note_of(NoteKind kind, const Worker& worker) {
  Note note;
  note.kind = kind;
  note.app = worker.app;
  note.generation = worker.generation;
  note.release = worker.release;
  note.worker = worker.id;
  note.slot = worker.slot;
  return note;
}

void start_worker(Desk& desk, const Worker& worker) {
  desk.act(Spawn{worker.id, worker.app, worker.slot, worker.generation, worker.release});
  set_deadline(desk, worker, worker.policy->ready_timeout);
  Note note = note_of(NoteKind::worker_starting, worker);
  note.wait = worker.policy->ready_timeout;
  desk.tell(std::move(note));
}

void worker_launched(Desk& desk, Worker& worker) {
  if (worker.launched) return;
  worker.launched = true;
  const bool waits = worker.state == WorkerState::draining && !worker.policy->steered();
  if (waits) pass_on_drain(desk, worker, time_left(desk, worker));
}

void worker_ready(Desk& desk, Worker& worker) {
  if (worker.state != WorkerState::starting) return;
  worker.launched = true;
  set_state(desk, worker, WorkerState::ready);
  worker.ready_since = desk.now;
  desk.timers.disarm(state_timer(worker.id));
  await_ping(desk, worker);
  desk.act(ReassertListeners{worker.app});
  desk.tell(note_of(NoteKind::worker_ready, worker));
}

void worker_pinged(Desk& desk, Worker& worker) { await_ping(desk, worker); }

void set_watchdog(Desk& desk, Worker& worker, Duration interval) {
  worker.watchdog.reset();
  if (interval > Duration::zero() && interval != kForever) worker.watchdog = interval;
  await_ping(desk, worker);
}

void extend_deadline(Desk& desk, const Worker& worker, Duration by) {
  if (worker.failed || worker.main_gone || worker.kills > 0) return;
  const auto deadline = desk.timers.at(state_timer(worker.id));
  if (deadline) desk.timers.arm(state_timer(worker.id), std::max(*deadline, later(desk.now, by)));
}

bool add_drain_time(Desk& desk, const Worker& worker, Duration more) {
  if (worker.state != WorkerState::draining || !worker.ready_since || worker.failed) return false;
  const auto deadline = desk.timers.at(state_timer(worker.id));
  if (deadline) desk.timers.arm(state_timer(worker.id), std::max(*deadline, later(*deadline, more)));
  return true;
}

void drain_worker(Desk& desk, Worker& worker, Reason reason) {
  if (!worker.serves()) return;
  const AppPolicy& policy = *worker.policy;
  const Duration timeout =
      worker.ready_since ? policy.drain_timeout : std::min(policy.drain_timeout, policy.stop_timeout);
  worker.failed = !worker.ready_since;
  set_state(desk, worker, WorkerState::draining);
  set_deadline(desk, worker, timeout);
  if (policy.steered()) {
    worker.starving = Starving::wanted;
  } else if (worker.launched) {
    pass_on_drain(desk, worker, timeout);
  }
  await_ping(desk, worker);
  Note note = note_of(NoteKind::worker_draining, worker);
  note.reason = reason;
  note.wait = timeout;
  desk.tell(std::move(note));
}

void starve_worker(Desk& desk, Worker& worker) {
  if (worker.starving != Starving::wanted || !worker.launched) return;
  worker.starving = Starving::begun;
  desk.act(Starve{worker.id});
  if (worker.policy->leaving != Leaving::asked_when_starved) return;
  desk.timers.arm(starve_timer(worker.id), later(desk.now, kQueuesMax));
}

void worker_starved(Desk& desk, Worker& worker) {
  if (worker.policy->leaving != Leaving::asked_when_starved || !end_starving(desk, worker)) return;
  pass_on_drain(desk, worker, time_left(desk, worker));
}

// Nothing keeps it any more: it is given the time of a stop, not what is left of the drain's.
void worker_empty(Desk& desk, Worker& worker) {
  const Leaving leaving = worker.policy->leaving;
  if (leaving != Leaving::asked_when_empty && leaving != Leaving::stopped_when_empty) return;
  if (!end_starving(desk, worker)) return;
  if (leaving == Leaving::stopped_when_empty) return stop_worker(desk, worker);
  const Duration left = std::min(time_left(desk, worker), worker.policy->stop_timeout);
  set_deadline(desk, worker, left);
  pass_on_drain(desk, worker, left);
}

void worker_leaves_by_itself(Desk& desk, Worker& worker) {
  set_state(desk, worker, WorkerState::draining);
  set_deadline(desk, worker, worker.policy->drain_timeout);
  await_ping(desk, worker);
  Note note = note_of(NoteKind::worker_draining, worker);
  note.wait = worker.policy->drain_timeout;
  note.text = "it leaves by itself";
  desk.tell(std::move(note));
}

void stop_worker(Desk& desk, Worker& worker, StopStep step) {
  if (worker.state == WorkerState::stopping) return;
  set_state(desk, worker, WorkerState::stopping);
  await_ping(desk, worker);
  const bool sent = send_once(desk, worker, worker.policy->stop_signal);
  if (!sent && step == StopStep::time_is_up) return kill_tree(desk, worker);
  set_deadline(desk, worker, worker.policy->stop_timeout);
  tell_stopping(desk, worker, sent ? std::optional(worker.policy->stop_signal) : std::nullopt, Reason::none);
}

void abort_worker(Desk& desk, Worker& worker) {
  desk.tell(note_of(NoteKind::worker_watchdog, worker));
  worker.failed = true;
  set_state(desk, worker, WorkerState::stopping);
  await_ping(desk, worker);
  send_once(desk, worker, SIGABRT);
  set_deadline(desk, worker, worker.policy->stop_timeout);
  tell_stopping(desk, worker, SIGABRT, Reason::watchdog_timeout);
}

void end_leftovers(Desk& desk, Worker& worker) {
  worker.main_gone = true;
  if (worker.state != WorkerState::stopping) set_state(desk, worker, WorkerState::stopping);
  await_ping(desk, worker);
  desk.tell(note_of(NoteKind::worker_leftovers, worker));
  if (worker.kills > 0) return;  // SIGKILL is on its way to them
  desk.act(SignalWorker{worker.id, worker.policy->stop_signal, true});
  set_deadline(desk, worker, worker.policy->stop_timeout);
}

void leaving_time_is_up(Desk& desk, Worker& worker) {
  if (worker.state == WorkerState::draining) return stop_worker(desk, worker, StopStep::time_is_up);
  if (worker.state == WorkerState::stopping) kill_tree(desk, worker);
}

void disarm(Desk& desk, const Worker& worker) {
  desk.timers.disarm(starve_timer(worker.id));
  desk.timers.disarm(state_timer(worker.id));
  desk.timers.disarm(watchdog_timer(worker.id));
}

}  // namespace liveswap::core
