// An app's stop, and what is decided about it once a step.

#include <algorithm>
#include <utility>
#include <vector>

#include "core/slots.hpp"
#include "core/supervisor.hpp"

namespace liveswap::core {

namespace {

// Something serves the queues, or will again.
bool can_serve(const App& app) {
  if (ready_workers(app) > 0) return true;
  const Generation* current = find_generation(app, app.current);
  return current != nullptr && !current->unready.empty();
}

void leave_all(Supervisor& s, App& app) {
  for (auto& [id, generation] : app.generations) {
    retire_generation(s, app, generation, app.stopping->now);
    if (app.stopping->now) cut_generation(s, app, generation, "the app is stopped at once");
  }
}

// Generations that nothing is left of, but the one that serves and those that a rollout works on.
void bury_generations(Supervisor& s, App& app) {
  const auto is_in_use = [&](GenerationId id) {
    const auto uses = [id](const std::optional<Rollout>& rollout) {
      return rollout && (rollout->generation == id || rollout->old == id);
    };
    return id == app.current || uses(app.rollout) || uses(app.shelved);
  };
  for (auto next = app.generations.begin(); next != app.generations.end();) {
    const auto here = next++;
    if (!here->second.workers.empty() || is_in_use(here->first)) continue;
    s.desk.tell(note_of(NoteKind::generation_gone, here->second, app.id));
    app.generations.erase(here);
  }
}

void drop_releases(Supervisor& s, App& app) {
  std::set<ReleaseId> used{app.pinned};
  for (const auto& [id, generation] : app.generations) used.insert(generation.release);
  if (app.rollout) used.insert(app.rollout->release);
  for (auto next = app.releases.begin(); next != app.releases.end();) {
    const auto here = next++;
    if (used.contains(here->first)) continue;
    s.desk.act(DropRelease{app.id, here->first});
    app.releases.erase(here);
  }
}

// No more than max_draining generations drain at a time: the oldest ones are stopped.
void limit_draining(Supervisor& s, App& app) {
  const Generation* current = find_generation(app, app.current);
  if (app.rollout || app.stopping || current == nullptr) return;
  std::vector<Generation*> draining;
  for (auto& [id, generation] : app.generations) {
    if (generation.draining && !generation.cut && !generation.workers.empty())
      draining.push_back(&generation);
  }
  const std::size_t most = current->policy->max_draining;
  if (draining.size() <= most) return;
  for (std::size_t i = 0; i < draining.size() - most; ++i) {
    cut_generation(s, app, *draining[i], "more generations than max_draining");
  }
}

void finish_stop(Supervisor& s, App& app) {
  const Stopping stopping = *std::exchange(app.stopping, std::nullopt);
  app.current = {};
  bury_generations(s, app);
  if (app.listeners_open || app.opens_pending > 0) s.desk.act(CloseListeners{app.id});
  app.listeners_open = false;
  app.start_failed = stopping.failure.has_value();
  if (stopping.failure) app.pinned = {};  // so that the next start reads the file again
  s.desk.tell(note_of(NoteKind::app_stopped, app));
  answer_all(s, app.id, Waiter::For::stopped, outcome_of(app, Result::done));
  if (stopping.failure) {
    answer_all(s, app.id, Waiter::For::rollout, outcome_of(app, Result::failed, *stopping.failure));
  }
}

}  // namespace

void stop_app(Supervisor& s, App& app, bool now, std::optional<Failure> failure) {
  s.desk.tell(note_of(NoteKind::app_stopping, app));
  abandon_rollout(s, app, s.shutdown.asked ? Reason::shutting_down : Reason::aborted);
  app.stopping = Stopping{.quiescing = false, .now = now, .failure = std::move(failure)};
  s.touched.insert(app.id);
  if (now || !app.listeners_open || !can_serve(app)) return leave_all(s, app);
  app.stopping->quiescing = true;
  s.desk.act(QuiesceListeners{app.id});
  s.desk.timers.arm(quiesce_timer(app.id), later(s.desk.now, kQueuesMax));
}

void hurry_stop(Supervisor& s, App& app) {
  app.stopping->now = true;
  app.stopping->quiescing = false;
  s.desk.timers.disarm(quiesce_timer(app.id));
  leave_all(s, app);
}

void listeners_quiet(Supervisor& s, App& app) {
  if (!app.stopping || !app.stopping->quiescing) return;
  app.stopping->quiescing = false;
  s.desk.timers.disarm(quiesce_timer(app.id));
  leave_all(s, app);
}

void advance_stop(Supervisor& s, App& app) {
  if (!app.stopping || app.stopping->quiescing) return;
  for (const auto& [id, generation] : app.generations) {
    if (!generation.workers.empty()) return;
  }
  finish_stop(s, app);
}

void remember(Supervisor& s, App& app, const Rollout& rollout, Result result) {
  RolloutRecord record{.kind = rollout.kind, .result = result, .reason = rollout.failure.reason};
  record.generation = rollout.generation;
  record.release = rollout.release;
  const auto release = app.releases.find(rollout.release);
  if (release != app.releases.end()) record.label = release->second.label;
  record.text = rollout.failure.text;
  record.begun = rollout.begun;
  record.ended = s.desk.now;
  app.history.push_back(std::move(record));
  if (app.history.size() > kHistoryMax) app.history.pop_front();
}

void settle(Supervisor& s, App& app) {
  advance_rollout(s, app);
  steer(s, app);
  advance_stop(s, app);
  limit_draining(s, app);
  bury_generations(s, app);
  answer_by_state(s, app);
  drop_releases(s, app);
}

}  // namespace liveswap::core
