#include "core/snapshots.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "core/supervisor.hpp"
#include "core/text.hpp"

namespace liveswap::core {

namespace {

std::string workers_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " worker" : " workers");
}

// "3 of 4 workers of g7 to become ready (30s at most)"
std::string waits_for_ready(std::size_t missing, const Generation& generation) {
  return std::to_string(missing) + " of " + workers_text(generation.size) + " of " + text_of(generation.id) +
         " to become ready (" + text_of(generation.policy->ready_timeout) + " at most)";
}

std::string rollout_waits_for(const App& app, const Rollout& rollout) {
  if (rollout.opening) return "the listeners to be bound";
  if (rollout.phase == RolloutPhase::preparing) {
    if (rollout.hook_pending) return "the pre_upgrade hook to end";
    if (rollout.prepare_pending) return "release " + text_of(rollout.release) + " to be made";
    return "the next attempt to make a release";
  }
  if (rollout.phase == RolloutPhase::starting) {
    const Generation* generation = find_generation(app, rollout.generation);
    if (generation == nullptr) return "";
    if (rollout.pending.empty()) return "new connections to be steered to " + text_of(generation->id);
    return waits_for_ready(rollout.pending.size(), *generation);
  }
  const Generation* restored = find_generation(app, rollout.in_place ? rollout.generation : rollout.old);
  if (!rollout.owed.empty() && restored != nullptr) return waits_for_ready(rollout.owed.size(), *restored);
  return workers_text(rollout.unproven.size()) + " of " + text_of(rollout.generation) + " to end";
}

std::string waiting_for(const App& app) {
  if (app.stopping) {
    if (app.stopping->quiescing) return "the listeners' queues to be served";
    std::size_t left = 0;
    for (const auto& [id, generation] : app.generations) left += generation.workers.size();
    return workers_text(left) + " to end";
  }
  if (app.rollout) return rollout_waits_for(app, *app.rollout);
  const Generation* current = find_generation(app, app.current);
  if (current == nullptr || current->unready.empty()) return {};
  return waits_for_ready(current->unready.size(), *current);
}

WorkerSnapshot snapshot_of(const Supervisor& s, const Generation& generation, const Worker& worker) {
  WorkerSnapshot row{.worker = worker.id, .slot = worker.slot, .generation = generation.id};
  row.release = generation.release;
  row.state = worker.state;
  row.since = worker.since;
  const auto slot = generation.slots.find(worker.slot);
  if (slot != generation.slots.end()) row.restarts = slot->second.restarts;
  row.deadline = s.desk.timers.at(state_timer(worker.id));
  return row;
}

void add_workers(const Supervisor& s, const Generation& generation, std::vector<WorkerSnapshot>& rows) {
  const auto first = static_cast<std::ptrdiff_t>(rows.size());
  for (const WorkerId id : generation.workers) rows.push_back(snapshot_of(s, generation, s.workers.at(id)));
  for (const auto& [slot, state] : generation.slots) {
    if (!state.next_start && !state.gave_up) continue;
    WorkerSnapshot row{.slot = slot, .generation = generation.id, .release = generation.release};
    row.state = WorkerState::backoff;
    row.since = state.since;
    row.restarts = state.restarts;
    row.deadline = state.next_start;
    row.gave_up = state.gave_up;
    rows.push_back(row);
  }
  std::stable_sort(rows.begin() + first, rows.end(),
                   [](const WorkerSnapshot& a, const WorkerSnapshot& b) { return a.slot < b.slot; });
}

GenerationSnapshot snapshot_of(const Supervisor& s, const Generation& generation) {
  GenerationSnapshot row{.generation = generation.id, .release = generation.release};
  row.draining = generation.draining;
  row.since = generation.since;
  row.workers = static_cast<std::uint32_t>(generation.workers.size());
  if (!generation.draining) return row;
  for (const WorkerId id : generation.workers) {
    if (s.workers.at(id).state != WorkerState::draining) continue;
    const Time deadline = s.desk.timers.at(state_timer(id)).value_or(kNever);
    row.cut_at = std::max(row.cut_at.value_or(deadline), deadline);
  }
  return row;
}

RolloutSnapshot snapshot_of(const App& app, const Rollout& rollout) {
  RolloutSnapshot row{.kind = rollout.kind, .phase = rollout.phase, .generation = rollout.generation};
  row.release = rollout.release;
  row.since = rollout.begun;
  if (const Generation* generation = find_generation(app, rollout.generation)) {
    row.ready = static_cast<std::uint32_t>(generation->ready.size());
    row.wanted = generation->size;
  }
  return row;
}

AppSnapshot snapshot_of(const Supervisor& s, const App& app) {
  AppSnapshot row{.app = app.id, .name = app.name, .state = state_of(app)};
  if (const Generation* serving = serving_generation(app)) {
    row.generation = serving->id;
    row.release = serving->release;
    row.label = app.releases.at(serving->release).label;
  }
  row.workers_wanted = wanted_workers(app);
  row.workers_ready = ready_workers(app);
  row.scale_override = app.scale_override;
  if (app.rollout) row.rollout = snapshot_of(app, *app.rollout);
  row.waiting_for = waiting_for(app);
  for (auto next = app.generations.rbegin(); next != app.generations.rend(); ++next) {
    row.generations.push_back(snapshot_of(s, next->second));
    add_workers(s, next->second, row.workers);
  }
  row.history = app.history;
  return row;
}

}  // namespace

Snapshot snapshot_of(const Supervisor& s) {
  Snapshot all;
  for (const auto& [id, app] : s.apps) all.apps.push_back(snapshot_of(s, app));
  all.shutting_down = s.shutdown.asked;
  return all;
}

}  // namespace liveswap::core
