// Chance from a seed: the same seed gives the same run, on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "core/time.hpp"

namespace sim {

using liveswap::core::Duration;

class Random {
 public:
  // Mixed, so that the sequences of neighbouring seeds are not one sequence shifted.
  explicit Random(std::uint64_t seed) : state_(seed) { state_ = next() ^ (seed << 32U); }

  // splitmix64
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }

  // 0 … bound - 1
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
  std::uint32_t between(std::uint32_t least, std::uint32_t most) {
    return least + static_cast<std::uint32_t>(below(std::uint64_t{most} - least + 1));
  }
  Duration between(Duration least, Duration most) {
    return least + Duration(static_cast<Duration::rep>(
                       below(static_cast<std::uint64_t>((most - least).count()) + 1)));
  }
  bool chance(unsigned percent) { return below(100) < percent; }

  template <class List>
  auto pick(const List& list) {
    return *std::next(list.begin(), static_cast<std::ptrdiff_t>(below(list.size())));
  }

 private:
  std::uint64_t state_;
};

}  // namespace sim
