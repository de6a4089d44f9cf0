// The end of everything: all apps are stopped, then the master is told to leave.

#include "core/supervisor.hpp"

namespace liveswap::core {

namespace {

bool is_at_rest(const App& app) {
  return !app.listeners_open && !app.stopping && !app.rollout && app.generations.empty();
}

void stop_everything(Supervisor& s, bool now) {
  s.shutdown.stopping = true;
  s.desk.timers.disarm(kShutdownDelay);
  if (!now) s.desk.timers.arm(kShutdownDrain, later(s.desk.now, s.setup.shutdown.timeout));
  for (auto& [id, app] : s.apps) {
    if (app.stopping && now) hurry_stop(s, app);
    if (!app.stopping && !is_at_rest(app)) stop_app(s, app, now);
  }
}

}  // namespace

void begin_shutdown(Supervisor& s, bool now, int status) {
  for (const auto& [id, app] : s.apps) s.touched.insert(id);
  if (status != 0) s.shutdown.status = status;
  if (!s.shutdown.asked) {
    s.shutdown.asked = true;
    Note note;
    note.kind = NoteKind::shutdown_started;
    const bool waits = !now && status == 0 && s.setup.shutdown.delay > Duration::zero();
    if (waits) note.wait = s.setup.shutdown.delay;
    s.desk.tell(std::move(note));
    if (waits) return s.desk.timers.arm(kShutdownDelay, later(s.desk.now, s.setup.shutdown.delay));
    return stop_everything(s, now);
  }
  if (s.shutdown.stopping ? now : now || status != 0) stop_everything(s, now);
}

void end_shutdown_delay(Supervisor& s) {
  for (const auto& [id, app] : s.apps) s.touched.insert(id);
  stop_everything(s, false);
}

void cut_shutdown_drain(Supervisor& s) {
  for (auto& [id, app] : s.apps) {
    s.touched.insert(id);
    if (app.stopping) hurry_stop(s, app);
  }
}

void settle_shutdown(Supervisor& s) {
  if (!s.shutdown.stopping || s.shutdown.exited) return;
  for (const auto& [id, app] : s.apps) {
    if (!is_at_rest(app)) return;
  }
  s.shutdown.exited = true;
  Note note;
  note.kind = NoteKind::shutdown_done;
  s.desk.tell(std::move(note));
  while (!s.requests.empty()) {
    const Waiter& waiter = s.requests.begin()->second;
    const bool wanted_it = waiter.what == Waiter::For::shutdown;
    answer(s, waiter.id,
           {.result = wanted_it ? Result::done : Result::failed,
            .reason = wanted_it ? Reason::none : Reason::shutting_down,
            .app = waiter.app});
  }
  s.desk.act(Exit{s.shutdown.status});
}

}  // namespace liveswap::core
