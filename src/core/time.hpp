// Time as the core sees it: microseconds on a monotonic clock that only its caller reads.
//
// The core never asks for the time; every step is told it. Simulated and real time are the same type.
#pragma once

#include <chrono>
#include <cstdint>

namespace liveswap::core {

using Duration = std::chrono::microseconds;

// A duration that never ends: the configuration's `infinity`.
inline constexpr Duration kForever = Duration::max();

// Tag of the monotonic clock (CLOCK_MONOTONIC in the master, a counter in the simulation).
struct Clock {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
};

using Time = std::chrono::time_point<Clock, Duration>;

// A deadline that never comes.
inline constexpr Time kNever = Time::max();

// `from + wait`, staying at kNever instead of overflowing.
constexpr Time later(Time from, Duration wait) {
  return wait >= kNever - from ? kNever : from + wait;
}

}  // namespace liveswap::core
