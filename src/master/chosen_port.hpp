// A port that the kernel has chosen, for a socket that is then bound to it by number.
//
// Not the same as a socket that is bound to port 0: from that one the kernel takes its own choice back when a worker
// shuts it down or disconnects it, and chooses another when it is to listen again. A port that was asked for stays
// (SOCK_BINDPORT_LOCK in inet_bind and tcp_set_state).
#pragma once

#include "core/plan.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/sockaddr.hpp"

namespace liveswap::master {

// Binds `socket`, which has its options, to `wanted`: an Internet address with port 0.
[[nodiscard]] os::Result<void> bind_to_chosen_port(os::FdRef socket, const os::SocketAddress& wanted,
                                                   const core::Address& address, const core::SocketOptions& options);

}  // namespace liveswap::master
