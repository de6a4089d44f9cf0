// What systemd is told of a service: sd_notify(3). Pure.
#pragma once

#include <string>

#include "wire/guard_messages.hpp"

namespace liveswap::wire {

// The datagram's text; "" for a kind that is not known.
[[nodiscard]] std::string notification_text(const guard::Notify& what);

}  // namespace liveswap::wire
