#include "protocols/protocol.hpp"

#include "protocols/bind.hpp"
#include "protocols/einhorn.hpp"
#include "protocols/native.hpp"
#include "protocols/node.hpp"
#include "protocols/notification.hpp"
#include "protocols/server_starter.hpp"
#include "protocols/systemd.hpp"

namespace liveswap::protocols {

Environment Protocol::environment(const LaunchFacts& facts) const { return common_environment(facts); }

std::optional<int> Protocol::channel_number(const LaunchFacts&) const { return std::nullopt; }

DrainRequest Protocol::drain(const core::AppPolicy& policy, core::Duration) const {
  return SendSignal{policy.drain_signal};
}

std::optional<SendPacket> Protocol::message(std::string_view) const { return std::nullopt; }

std::vector<WorkerEvent> Protocol::from_channel(std::span<const std::byte>, std::size_t) const {
  return {Problem{"a packet came on a channel that the worker should not have"}};
}

std::vector<WorkerEvent> Protocol::from_notification(std::string_view datagram, std::size_t descriptors) const {
  return events_of_notification(datagram, descriptors);
}

std::unique_ptr<const Protocol> make_protocol(core::Protocol id) {
  switch (id) {
    case core::Protocol::native: return std::make_unique<Native>();
    case core::Protocol::systemd: return std::make_unique<Systemd>();
    case core::Protocol::node: return std::make_unique<Node>();
    case core::Protocol::bind: return std::make_unique<Bind>();
    case core::Protocol::einhorn: return std::make_unique<Einhorn>();
    case core::Protocol::server_starter: return std::make_unique<ServerStarter>();
  }
  return nullptr;
}

}  // namespace liveswap::protocols
