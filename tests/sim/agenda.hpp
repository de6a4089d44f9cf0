// What the simulated world will do, in order of time; of things at one time, in the order in which they were
// planned.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "core/time.hpp"

namespace sim {

using liveswap::core::kNever;
using liveswap::core::Time;

class Agenda {
 public:
  using Deed = std::function<void()>;

  void at(Time time, Deed deed) { plan_.emplace(std::pair{time, ++planned_}, std::move(deed)); }
  Time next() const { return plan_.empty() ? kNever : plan_.begin()->first.first; }
  Deed take() { return std::move(plan_.extract(plan_.begin()).mapped()); }

 private:
  std::map<std::pair<Time, std::uint64_t>, Deed> plan_;
  std::uint64_t planned_ = 0;
};

}  // namespace sim
