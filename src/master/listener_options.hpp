// The options of a listener's socket, set before it is bound, so that no client ever meets it without them.
#pragma once

#include "core/plan.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

// Options that are not for this kind of socket are left out: a list of addresses has one set for all.
[[nodiscard]] os::Result<void> set_listener_options(os::FdRef socket, int family,
                                                    const core::Address& address,
                                                    const core::SocketOptions& options);

}  // namespace liveswap::master
