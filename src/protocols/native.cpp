#include "protocols/native.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "protocols/notification.hpp"
#include "wire/channel.hpp"
#include "wire/printable.hpp"
#include "wire/sd_notify.hpp"

namespace liveswap::protocols {
namespace {

namespace channel = wire::channel;

constexpr std::size_t kLibraryTextMax = 64;
constexpr std::size_t kDrainPacketMax = 64;  // a header and one number

// One function a message; what is not from a worker never gets here, since decode() refuses it.
struct Translate {
  std::vector<WorkerEvent> operator()(const channel::Hello& said) const {
    return {Hello{wire::printable_text(said.library, kLibraryTextMax), said.pid}};
  }
  std::vector<WorkerEvent> operator()(const channel::Ready&) const { return {Ready{}}; }
  std::vector<WorkerEvent> operator()(const channel::Status& said) const {
    return {StatusText{wire::printable_text(said.text, wire::kNotificationStatusMax)}};
  }
  std::vector<WorkerEvent> operator()(const channel::Stopping&) const { return {Stopping{}}; }
  std::vector<WorkerEvent> operator()(const channel::Connections& said) const {
    return {Connections{said.open}};
  }
  std::vector<WorkerEvent> operator()(const channel::Watchdog&) const { return {WatchdogPing{}}; }
  std::vector<WorkerEvent> operator()(const channel::Extend& said) const {
    return {ExtendTimeout{from_wire(said.microseconds)}};
  }
  std::vector<WorkerEvent> operator()(const channel::Unknown&) const { return {}; }
  template <class FromLauncherOrMaster>
  std::vector<WorkerEvent> operator()(const FromLauncherOrMaster& message) const {
    return {Problem{std::string{channel::name(message)} + " came on the channel from a running worker"}};
  }
};

}  // namespace

Environment Native::environment(const LaunchFacts& facts) const {
  Environment environment = common_environment(facts);
  environment.variables.emplace_back("LIVESWAP_CHANNEL", std::to_string(*channel_number(facts)));
  return environment;
}

std::optional<int> Native::channel_number(const LaunchFacts& facts) const {
  return facts.sockets.empty() ? kFirstListener : facts.sockets.back().number + 1;
}

// A signal that the configuration file asks for by name goes before the protocol's own way.
DrainRequest Native::drain(const core::AppPolicy& policy, core::Duration timeout) const {
  if (policy.drain_by_signal) return SendSignal{policy.drain_signal};
  channel::Drain message;
  if (timeout != core::kForever) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    message.deadline_ms = static_cast<std::uint64_t>(std::max<decltype(left)>(left, 0));
  }
  std::array<std::byte, kDrainPacketMax> buffer{};
  const std::size_t size = channel::encode(message, 0, buffer).value_or(0);
  return SendPacket{{buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)}};
}

std::optional<SendPacket> Native::message(std::string_view text) const {
  SendPacket message{std::vector<std::byte>(channel::kHeaderSize + text.size() + 1)};
  const auto size = channel::encode(channel::OperatorMessage{text}, 0, message.packet);
  return size ? std::optional(std::move(message)) : std::nullopt;
}

std::vector<WorkerEvent> Native::from_channel(std::span<const std::byte> packet,
                                              std::size_t descriptors) const {
  const auto message = channel::decode(packet, descriptors, channel::End::master);
  if (!message) return {Problem{"bad packet on the channel: " + std::string{message.error().reason}}};
  return std::visit(Translate{}, *message);
}

std::vector<WorkerEvent> Native::from_notification(std::string_view datagram, std::size_t descriptors) const {
  return without_ready(events_of_notification(datagram, descriptors),
                       "READY=1 does not count under protocol native: readiness is said on the channel");
}

}  // namespace liveswap::protocols
