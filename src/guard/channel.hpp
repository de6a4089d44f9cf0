// The guardian's end of the channel to its master: packets of wire/guard_messages.hpp, with at most one descriptor on
// each.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "wire/guard_messages.hpp"

namespace liveswap::guard {

struct Received {
  enum class Kind { packet, nothing, closed };
  Kind kind = Kind::nothing;
  std::array<std::byte, wire::guard::kPacketSize> bytes{};
  std::size_t size = 0;
  int fd = -1;              // owned by whoever receives it
  bool lost_a_descriptor = false;  // this process had no room for it
};

// Neither waits. send(): false where it cannot be sent now, or ever: reading tells which.
[[nodiscard]] Received receive(int channel);
[[nodiscard]] bool send(int channel, const wire::guard::Message& message, int fd = -1);

}  // namespace liveswap::guard
