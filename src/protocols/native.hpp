// protocol: native. The worker keeps the channel (LIVESWAP_CHANNEL, the number after its listeners): it says
// there that it is ready, and is asked to drain there. It may use NOTIFY_SOCKET too, for all but readiness.
#pragma once

#include "protocols/protocol.hpp"

namespace liveswap::protocols {

class Native final : public Protocol {
 public:
  [[nodiscard]] Environment environment(const LaunchFacts& facts) const override;
  [[nodiscard]] std::optional<int> channel_number(const LaunchFacts& facts) const override;
  [[nodiscard]] DrainRequest drain(const core::AppPolicy& policy, core::Duration timeout) const override;
  [[nodiscard]] std::optional<SendPacket> message(std::string_view text) const override;
  [[nodiscard]] std::vector<WorkerEvent> from_channel(std::span<const std::byte> packet,
                                                      std::size_t descriptors) const override;
  [[nodiscard]] std::vector<WorkerEvent> from_notification(std::string_view datagram,
                                                           std::size_t descriptors) const override;
};

}  // namespace liveswap::protocols
