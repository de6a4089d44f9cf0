// How many connections wait in a listener's queue, which is shared by all who hold the socket.
#pragma once

#include <cstdint>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

struct AcceptQueue {
  std::uint32_t waiting = 0;
  std::uint32_t backlog = 0;  // what the kernel made of it: at most somaxconn
};

// For TCP and for Unix stream and seqpacket sockets. A socket that does not listen is an error.
[[nodiscard]] Result<AcceptQueue> accept_queue(FdRef listener);

// The highest backlog that the kernel allows (net.core.somaxconn).
[[nodiscard]] int somaxconn();

}  // namespace liveswap::os
