// protocol: systemd. The worker takes its sockets from LISTEN_FDS, says READY=1 on NOTIFY_SOCKET and is asked
// to drain by a signal. The channel is closed when its program is executed.
#pragma once

#include "protocols/protocol.hpp"

namespace liveswap::protocols {

class Systemd final : public Protocol {
 public:
  [[nodiscard]] Environment environment(const LaunchFacts& facts) const override;
  [[nodiscard]] std::optional<int> channel_number(const LaunchFacts& facts) const override;
  [[nodiscard]] DrainRequest drain(const core::AppPolicy& policy, core::Duration timeout) const override;
  [[nodiscard]] std::vector<WorkerEvent> from_channel(std::span<const std::byte> packet,
                                                      std::size_t descriptors) const override;
  [[nodiscard]] std::vector<WorkerEvent> from_notification(std::string_view datagram,
                                                           std::size_t descriptors) const override;
};

}  // namespace liveswap::protocols
