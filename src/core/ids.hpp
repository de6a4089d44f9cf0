// Strong identities, counted up and never used again: never a pid, never a descriptor's number.
#pragma once

#include <compare>
#include <cstdint>

namespace liveswap::core {

template <class Tag>
struct Id {
  std::uint64_t value = 0;  // 0 is nobody; the first is 1
  constexpr explicit operator bool() const { return value != 0; }
  constexpr auto operator<=>(const Id&) const = default;
};

using AppId = Id<struct AppTag>;                // the order of the apps in the configuration file, from 1
using ReleaseId = Id<struct ReleaseTag>;        // r1, r2, … of one app
using GenerationId = Id<struct GenerationTag>;  // g1, g2, … of one app
using WorkerId = Id<struct WorkerTag>;          // unique in the master's life
using RequestId = Id<struct RequestTag>;        // an operator's request that waits for its answer; given by the shell

// A worker's place in its generation, 0 … N-1, stable over respawns.
using Slot = std::uint32_t;

}  // namespace liveswap::core
