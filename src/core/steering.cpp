#include "core/steering.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/rollout_steps.hpp"

namespace liveswap::core {

namespace {

constexpr Duration kSteerAgain = std::chrono::seconds(1);

using Chosen = std::set<WorkerId>;

bool is_steered(const App& app) {
  return std::ranges::any_of(app.generations, [](const auto& entry) { return entry.second.policy->steered(); });
}

enum class Wanted { ready, starting };

// Workers of a release that lists no steered listener have no socket of one.
void add_workers(const Generation* generation, Wanted wanted, Chosen& chosen) {
  if (generation == nullptr || !generation->policy->steered()) return;
  for (const auto& [slot, state] : generation->slots) {
    if (state.occupant && state.occupant_ready == (wanted == Wanted::ready)) chosen.insert(state.occupant);
  }
}

// Old workers have left to make room for new ones, so the new ones serve as they get ready.
bool serves_already(const Rollout& rollout) {
  return !rollout.in_place && (!rollout.replaced.empty() || !rollout.owed.empty());
}

// Where the first of these has somebody, they are it.
Chosen wanted_workers_of(const App& app) {
  const Generation* serving = serving_generation(app);
  const Generation* fresh = nullptr;
  const bool rolls_out = app.rollout && !app.rollout->in_place && app.rollout->phase != RolloutPhase::preparing;
  if (rolls_out) fresh = find_generation(app, app.rollout->generation);
  Chosen chosen;
  if (rolls_out && app.rollout->phase == RolloutPhase::starting && app.rollout->pending.empty()) {
    add_workers(fresh, Wanted::ready, chosen);
    return chosen;
  }
  add_workers(serving, Wanted::ready, chosen);
  if (rolls_out && (chosen.empty() || serves_already(*app.rollout))) add_workers(fresh, Wanted::ready, chosen);
  if (chosen.empty()) add_workers(serving, Wanted::starting, chosen);
  if (chosen.empty()) add_workers(fresh, Wanted::starting, chosen);
  return chosen;
}

// What will be in force if nothing fails.
const Chosen& asked_for(const Steering& steering) {
  return steering.unanswered.empty() ? steering.in_force : steering.unanswered.back();
}

bool has_to_ask_again(const Steering& steering) { return steering.unsure && steering.unanswered.empty(); }

void ask(Supervisor& s, App& app, const Chosen& chosen) {
  s.desk.timers.disarm(steer_timer(app.id));
  if (chosen.empty() || (chosen == asked_for(app.steering) && !has_to_ask_again(app.steering))) return;
  if (s.desk.now < app.steering.not_before) return s.desk.timers.arm(steer_timer(app.id), app.steering.not_before);
  s.desk.act(Steer{app.id, {chosen.begin(), chosen.end()}});
  app.steering.unanswered.push_back(chosen);
}

bool may_get_new(const Steering& steering, WorkerId worker) {
  const auto names = [&](const Chosen& chosen) { return chosen.contains(worker); };
  return names(steering.in_force) || std::ranges::any_of(steering.unanswered, names);
}

// Where nobody else could get what is new, there is nothing to wait for.
void starve_leaving(Supervisor& s, const App& app, bool somebody_else) {
  for (const auto& [id, generation] : app.generations) {
    if (generation.workers.size() == generation.ready.size()) continue;  // none of it leaves
    for (const WorkerId worker : generation.workers) {
      if (!somebody_else || !may_get_new(app.steering, worker)) starve_worker(s.desk, s.workers.at(worker));
    }
  }
}

// The rollout waits for nothing but this.
bool decides_rollout(const App& app) {
  return app.rollout && !app.rollout->in_place && app.rollout->phase == RolloutPhase::starting &&
         app.rollout->pending.empty();
}

}  // namespace

void steer(Supervisor& s, App& app) {
  if (!is_steered(app)) return s.desk.timers.disarm(steer_timer(app.id));
  const Chosen chosen = wanted_workers_of(app);
  ask(s, app, chosen);
  starve_leaving(s, app, !chosen.empty());
}

bool is_steered_to_rollout(const App& app) {
  const Generation& generation = app.generations.at(app.rollout->generation);
  if (app.rollout->in_place || !generation.policy->steered()) return true;
  const Steering& steering = app.steering;
  if (steering.unsure || !steering.unanswered.empty() || steering.in_force.empty()) return false;
  return std::ranges::all_of(steering.in_force, [&](WorkerId id) { return generation.workers.contains(id); });
}

void steered(App& app) {
  Steering& steering = app.steering;
  if (steering.unanswered.empty()) return;
  steering.unsure = false;
  steering.in_force = std::move(steering.unanswered.front());
  steering.unanswered.pop_front();
}

// Of several that were asked for, the last one counts.
void steer_failed(Supervisor& s, App& app, const std::string& text) {
  if (app.steering.unanswered.empty()) return;
  app.steering.unanswered.pop_front();
  if (!app.steering.unanswered.empty()) return;
  const Failure failure{.reason = Reason::steer_failed, .text = text};
  if (decides_rollout(app)) {
    if (!app.rollout->retries) return fail_rollout(s, app, failure);
    app.rollout->in_trouble = true;
  }
  s.desk.tell(with(note_of(NoteKind::steer_failed, app), failure));
  app.steering.not_before = later(s.desk.now, kSteerAgain);
}

}  // namespace liveswap::core
