#include "core/capacity.hpp"

#include <algorithm>

namespace liveswap::core {

namespace {

std::uint32_t saturated(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX));
}

std::uint32_t rounded_down(const Amount& amount, std::uint32_t workers) {
  if (!amount.percent) return amount.value;
  return saturated(std::uint64_t{amount.value} * workers / 100);
}

}  // namespace

std::uint32_t surge_of(const AppPolicy& policy, std::uint32_t workers) {
  if (!policy.max_surge.percent) return policy.max_surge.value;
  return saturated((std::uint64_t{policy.max_surge.value} * workers + 99) / 100);
}

std::uint32_t unavailable_of(const AppPolicy& policy, std::uint32_t workers) {
  const std::uint32_t unavailable = rounded_down(policy.max_unavailable, workers);
  if (unavailable == 0 && surge_of(policy, workers) == 0) return 1;
  return unavailable;
}

Capacity capacity_of(const AppPolicy& policy, std::uint32_t before, std::uint32_t after) {
  const std::uint32_t larger = std::max(before, after);
  const std::uint32_t smaller = std::min(before, after);
  const std::uint32_t unavailable = std::min(unavailable_of(policy, after), smaller);
  return {.living_max = saturated(std::uint64_t{larger} + surge_of(policy, after)),
          .ready_min = smaller - unavailable};
}

Capacity capacity_without_overlap(std::uint32_t before, std::uint32_t after) {
  return {.living_max = std::max(before, after), .ready_min = 0};
}

}  // namespace liveswap::core
