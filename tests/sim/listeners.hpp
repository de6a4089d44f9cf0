// An app's listening sockets in the simulated kernel: clients wait in the queue until a worker accepts them.
#pragma once

#include <cstdint>
#include <deque>

#include "core/time.hpp"

namespace sim {

struct Listeners {
  bool open = true;
  bool quiesced = false;  // new clients are made to wait, and come back later
  bool quiet_told = false;
  std::deque<liveswap::core::Time> queue{};  // since when each client waits
  std::uint64_t served = 0;
  std::uint64_t reset = 0;  // clients that were in the queue when it was closed
};

}  // namespace sim
