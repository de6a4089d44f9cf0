// An app's listening sockets in the simulated kernel: clients wait in a queue until a worker accepts them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "core/time.hpp"
#include "sides.hpp"

namespace sim {

struct Listeners {
  bool open = true;
  bool quiesced = false;  // new clients are made to wait, and come back later
  bool quiet_told = false;
  std::deque<liveswap::core::Time> queue{};  // of the shared listener: since when each client waits
  Sides sides{};                             // of the steered one
  std::uint64_t served = 0;
  std::uint64_t reset = 0;  // clients that were in a queue when it was closed

  std::size_t waiting() const {
    std::size_t count = queue.size();
    for (const Side& side : sides.all()) count += side.queue.size();
    return count;
  }
};

}  // namespace sim
