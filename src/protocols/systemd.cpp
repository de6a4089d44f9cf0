#include "protocols/systemd.hpp"

#include "protocols/notification.hpp"

namespace liveswap::protocols {

Environment Systemd::environment(const LaunchFacts& facts) const { return common_environment(facts); }

std::optional<int> Systemd::channel_number(const LaunchFacts&) const { return std::nullopt; }

DrainRequest Systemd::drain(const core::AppPolicy& policy, core::Duration) const {
  return SendSignal{policy.drain_signal};
}

std::vector<WorkerEvent> Systemd::from_channel(std::span<const std::byte>, std::size_t) const {
  return {Problem{"a packet came on a channel that the worker should not have"}};
}

std::vector<WorkerEvent> Systemd::from_notification(std::string_view datagram,
                                                    std::size_t descriptors) const {
  return events_of_notification(datagram, descriptors);
}

}  // namespace liveswap::protocols
