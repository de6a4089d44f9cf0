// What the guardian, as systemd's main process, tells systemd in its master's name: sd_notify(3).
#pragma once

#include "wire/guard_messages.hpp"

namespace liveswap::guard {

// `address`: the value of NOTIFY_SOCKET. `fd`: that goes with it, borrowed; -1 for none. Never waits; what cannot be
// delivered is dropped.
void notify(const char* address, const wire::guard::Notify& request, int fd);

}  // namespace liveswap::guard
