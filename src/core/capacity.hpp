// How many workers a rollout may have and must have: max_surge and max_unavailable as numbers. Pure
// arithmetic.
#pragma once

#include <cstdint>

#include "core/plan.hpp"

namespace liveswap::core {

struct Capacity {
  std::uint32_t living_max = 0;  // old and new workers that are starting or ready
  std::uint32_t ready_min = 0;   // old and new workers that are ready; only a crash may go below
};

// Percentages are of `workers`: surge is rounded up, unavailable down, as in Kubernetes. Where both come out
// as 0 nothing could ever move, so one may be unavailable.
std::uint32_t surge_of(const AppPolicy& policy, std::uint32_t workers);
std::uint32_t unavailable_of(const AppPolicy& policy, std::uint32_t workers);

// For a rollout from `before` workers to `after`, by the new release's policy. Where the numbers differ the
// larger bounds what may live and the smaller what must be ready, so that neither side is asked for more than
// it has.
Capacity capacity_of(const AppPolicy& policy, std::uint32_t before, std::uint32_t after);
// For one that stops all old workers at its begin: all may be lacking, and none is added.
Capacity capacity_without_overlap(std::uint32_t before, std::uint32_t after);

}  // namespace liveswap::core
