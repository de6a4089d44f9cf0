// Pausing a listener: a socket filter that drops what is new. A filter belongs to the one open socket, so it
// is in force for everybody who shares it, and replaces one that a program may have attached itself.
//
// TCP: only the segments that open a connection are dropped (SYN without ACK); the client sends them again,
// after 1, 3, 7 ... seconds, and gets through after the pause. What is queued is still accepted, handshakes
// under way complete, and accepted connections, which inherit the filter for good, never notice it. Datagram
// sockets: all is dropped; what is in the queue stays. A Unix stream or seqpacket socket has no packets to
// filter: an error.
#pragma once

#include <cstdint>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

[[nodiscard]] Result<void> attach_pause_filter(FdRef socket);

// Removes any filter. No filter attached is no error.
[[nodiscard]] Result<void> detach_filter(FdRef socket);

// How many packets the kernel has dropped on this socket since it was made, by a filter or for want of room.
// It wraps.
[[nodiscard]] Result<std::uint32_t> dropped_packets(FdRef socket);

}  // namespace liveswap::os
