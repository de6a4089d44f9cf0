// The sockets of a steered listener in the simulated kernel: a side for each generation, or for each worker, with a
// queue of its own, as the master gives them out.
//
// A side is used again only when nothing is left of the workers that had it; what waits in its queue then is accepted
// by whoever gets it next, so the fullest one is given out first.
#pragma once

#include <cstddef>
#include <deque>
#include <set>
#include <vector>

#include "core/action.hpp"
#include "core/time.hpp"
#include "random.hpp"

namespace sim {

using liveswap::core::GenerationId;
using liveswap::core::WorkerId;

struct Side {
  GenerationId generation{};  // whose workers have it, or had it last
  bool of_one_worker = false;
  std::set<WorkerId> users{};
  bool excused = false;  // one of those that had it did not leave as it should: it crashed, was stopped, …
  std::deque<liveswap::core::Time> queue{};  // since when each client waits
};

class Sides {
 public:
  void give(const liveswap::core::Spawn& worker, bool own_queue);
  void left(WorkerId worker, bool well);

  // New clients go to these workers' sides, to each in the same share. Without any such side nothing changes.
  void steer(const std::vector<WorkerId>& workers);
  // It leaves: no other one may count on it.
  void starve(WorkerId worker) { steered_to_.erase(worker); }
  // Where a new client comes to; null: it is made to wait outside.
  Side* pick(Random& random);

  Side* of(WorkerId worker);
  // Another worker that new clients go to has the same queue.
  bool serves_beside(WorkerId worker);
  // Nobody waits who would be lost if it accepted nothing more.
  bool starved(WorkerId worker, bool held_back);

  std::deque<Side>& all() { return sides_; }
  const std::deque<Side>& all() const { return sides_; }

 private:
  Side* shared_by(GenerationId generation);
  Side* fullest_free(GenerationId generation);

  std::deque<Side> sides_;      // never moved
  std::vector<Side*> chosen_;   // once for each of its workers that are steered to
  std::set<WorkerId> steered_to_;
};

}  // namespace sim
