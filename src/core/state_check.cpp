#include "core/state_check.hpp"

#include <algorithm>

#include "core/supervisor.hpp"

namespace liveswap::core {
namespace {

using Contradiction = std::optional<std::string>;

std::string number(std::uint64_t value) { return std::to_string(value); }

// Of one app.
class AppCheck {
 public:
  AppCheck(const Supervisor& s, const App& app) : s_(s), app_(app) {}

  Contradiction operator()() const {
    for (const auto& [id, release] : app_.releases) {
      if (id.value > app_.last_release || !release.policy) return of("release", id.value, "cannot be");
    }
    for (const auto& [id, generation] : app_.generations) {
      if (auto wrong = of_generation(id, generation)) return wrong;
    }
    if (!is_there(app_.current)) return of("generation", app_.current.value, "serves, and is not there");
    if (app_.pinned && !app_.releases.contains(app_.pinned)) {
      return of("release", app_.pinned.value, "is pinned, and is not there");
    }
    for (const std::optional<Rollout>* rollout : {&app_.rollout, &app_.shelved}) {
      if (!*rollout) continue;
      if (auto wrong = of_rollout(**rollout)) return wrong;
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] Contradiction of(std::string_view what, std::uint64_t id, std::string_view wrong) const {
    return app_.name + ": " + std::string(what) + " " + number(id) + " " + std::string(wrong);
  }

  [[nodiscard]] bool is_there(GenerationId id) const { return !id || app_.generations.contains(id); }

  static bool has(const Generation& generation, WorkerId worker) {
    return !worker || generation.workers.contains(worker);
  }

  [[nodiscard]] Contradiction of_generation(GenerationId id, const Generation& generation) const {
    const auto wrong = [&](std::string_view text) { return of("generation", id.value, text); };
    if (generation.id != id || id.value > app_.last_generation || !generation.policy) return wrong("cannot be");
    if (!app_.releases.contains(generation.release)) return wrong("is of no release");
    for (const WorkerId worker : generation.workers) {
      const auto found = s_.workers.find(worker);
      if (found == s_.workers.end()) return wrong("has a worker that is not there");
      if (found->second.app != app_.id || found->second.generation != id) return wrong("has another's worker");
    }
    for (const auto& [slot, state] : generation.slots) {
      if (!has(generation, state.occupant) || !has(generation, state.incoming)) {
        return wrong("has a slot whose worker is not there");
      }
      if (state.occupant_ready && !state.occupant) return wrong("has a slot that nobody is ready in");
    }
    Generation indexed = generation;
    for (const auto& [slot, state] : generation.slots) indexed.reindex(slot);
    const bool agrees = indexed.ready == generation.ready && indexed.unready == generation.unready &&
                        indexed.parked == generation.parked;
    if (!agrees || !only_slots(generation)) return wrong("counts its slots otherwise than they are");
    return std::nullopt;
  }

  static bool only_slots(const Generation& generation) {
    const auto is_slot = [&](Slot slot) { return generation.slots.contains(slot); };
    return std::ranges::all_of(generation.ready, is_slot) && std::ranges::all_of(generation.unready, is_slot) &&
           std::ranges::all_of(generation.parked, is_slot);
  }

  [[nodiscard]] Contradiction of_rollout(const Rollout& rollout) const {
    if (!is_there(rollout.generation)) {
      return of("generation", rollout.generation.value, "is rolled out, and is not there");
    }
    if (!is_there(rollout.old)) return of("generation", rollout.old.value, "is replaced, and is not there");
    if (rollout.phase != RolloutPhase::preparing && !rollout.generation) {
      return app_.name + ": a rollout has no generation";
    }
    if (!rollout.generation) return std::nullopt;
    const Generation& generation = app_.generations.at(rollout.generation);
    const auto can_be_slot = [&](Slot slot) { return slot < generation.size; };
    if (!std::ranges::all_of(rollout.pending, can_be_slot)) {
      return of("generation", generation.id.value, "has no such slot as is waited for");
    }
    return std::nullopt;
  }

  const Supervisor& s_;
  const App& app_;
};

Contradiction of_worker(const Supervisor& s, WorkerId id, const Worker& worker) {
  const std::string which = "worker " + number(id.value) + " ";
  if (worker.id != id || id.value > s.last_worker || !worker.policy) return which + "cannot be";
  const auto app = s.apps.find(worker.app);
  if (app == s.apps.end()) return which + "is of no app";
  const auto generation = app->second.generations.find(worker.generation);
  if (generation == app->second.generations.end() || !generation->second.workers.contains(id)) {
    return which + "is of no generation of its app";
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> find_contradiction(const Supervisor& s) {
  for (const auto& [id, app] : s.apps) {
    if (app.id != id) return "an app has another's number";
    if (auto wrong = AppCheck(s, app)()) return wrong;
  }
  for (const auto& [id, worker] : s.workers) {
    if (auto wrong = of_worker(s, id, worker)) return wrong;
  }
  for (const auto& [id, waiter] : s.requests) {
    if (waiter.id != id) return "a request has another's number";
    if (waiter.app && !s.apps.contains(waiter.app)) return "request " + number(id.value) + " is about no app";
  }
  return std::nullopt;
}

}  // namespace liveswap::core
