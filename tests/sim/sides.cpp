#include "sides.hpp"

#include <algorithm>
#include <utility>

namespace sim {

void Sides::give(const liveswap::core::Spawn& worker, bool own_queue) {
  Side* side = own_queue ? nullptr : shared_by(worker.generation);
  if (side == nullptr) side = fullest_free(worker.generation);
  if (side == nullptr) side = &sides_.emplace_back();
  if (side->users.empty()) side->excused = false;
  side->generation = worker.generation;
  side->of_one_worker = own_queue;
  side->users.insert(worker.worker);
}

void Sides::left(WorkerId worker, bool well) {
  Side* side = of(worker);
  if (side == nullptr) return;
  side->users.erase(worker);
  side->excused |= !well;
}

void Sides::steer(const std::vector<WorkerId>& workers) {
  std::vector<Side*> chosen;
  for (const WorkerId worker : workers) {
    if (Side* side = of(worker)) chosen.push_back(side);
  }
  if (chosen.empty()) return;
  chosen_ = std::move(chosen);
  steered_to_ = {workers.begin(), workers.end()};
}

Side* Sides::pick(Random& random) { return chosen_.empty() ? nullptr : random.pick(chosen_); }

Side* Sides::of(WorkerId worker) {
  const auto found = std::ranges::find_if(sides_, [&](const Side& side) { return side.users.contains(worker); });
  return found == sides_.end() ? nullptr : &*found;
}

bool Sides::serves_beside(WorkerId worker) {
  const Side* side = of(worker);
  return side != nullptr && std::ranges::any_of(side->users, [&](WorkerId other) {
    return other != worker && steered_to_.contains(other);
  });
}

bool Sides::starved(WorkerId worker, bool held_back) {
  Side* side = of(worker);
  if (side == nullptr || serves_beside(worker)) return true;
  const bool gets_new = !held_back && std::ranges::find(chosen_, side) != chosen_.end();
  return !gets_new && side->queue.empty();
}

Side* Sides::shared_by(GenerationId generation) {
  const auto found = std::ranges::find_if(sides_, [&](const Side& side) {
    return !side.of_one_worker && !side.users.empty() && side.generation == generation;
  });
  return found == sides_.end() ? nullptr : &*found;
}

// Of those that are as full, the generation's own.
Side* Sides::fullest_free(GenerationId generation) {
  Side* best = nullptr;
  const auto rank = [&](const Side& side) { return std::pair(side.queue.size(), side.generation == generation); };
  for (Side& side : sides_) {
    if (side.users.empty() && (best == nullptr || rank(*best) < rank(side))) best = &side;
  }
  return best;
}

}  // namespace sim
