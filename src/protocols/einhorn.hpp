// protocol: einhorn. The worker takes its sockets from EINHORN_FD_<i>, says worker:ack on einhorn's command socket when
// it is ready, and drains on USR2.
#pragma once

#include <string_view>
#include <vector>

#include "protocols/protocol.hpp"

namespace liveswap::protocols {

class Einhorn final : public Protocol {
 public:
  [[nodiscard]] std::vector<WorkerEvent> from_notification(std::string_view datagram,
                                                           std::size_t descriptors) const override;
};

// One line from the command socket, without its line break: one event.
[[nodiscard]] std::vector<WorkerEvent> events_of_command(std::string_view line);

}  // namespace liveswap::protocols
