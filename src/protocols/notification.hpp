// What an sd_notify datagram means, for all protocols whose workers have a NOTIFY_SOCKET.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "protocols/worker_event.hpp"

namespace liveswap::protocols {

[[nodiscard]] std::vector<WorkerEvent> events_of_notification(std::string_view datagram,
                                                              std::size_t descriptors);

// The same without readiness, for protocols that have it from elsewhere; READY=1 becomes a Problem that says why.
[[nodiscard]] std::vector<WorkerEvent> without_ready(std::vector<WorkerEvent> events, std::string_view why);

// Microseconds as they come off a wire; what is beyond a Duration (systemd's own infinity, too) is forever.
[[nodiscard]] std::chrono::microseconds from_wire(std::uint64_t microseconds);

}  // namespace liveswap::protocols
