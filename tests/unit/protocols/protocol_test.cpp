// What workers say, and how they are asked to drain, protocol by protocol.
#include "protocols/protocol.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <vector>

#include "protocols/einhorn.hpp"
#include "wire/channel.hpp"

namespace {

using namespace liveswap::protocols;
using namespace std::chrono_literals;
using liveswap::core::AppPolicy;
using liveswap::core::kForever;
namespace core = liveswap::core;
namespace channel = liveswap::wire::channel;
using Events = std::vector<WorkerEvent>;

std::vector<std::byte> packet(const channel::Message& message, std::size_t descriptors = 0) {
  std::vector<std::byte> buffer(channel::kPacketMax);
  buffer.resize(channel::encode(message, descriptors, buffer).value());
  return buffer;
}

Events native_says(const channel::Message& message, std::size_t descriptors = 0) {
  return make_protocol(core::Protocol::native)->from_channel(packet(message, descriptors), descriptors);
}

Events systemd_says(std::string_view datagram, std::size_t descriptors = 0) {
  return make_protocol(core::Protocol::systemd)->from_notification(datagram, descriptors);
}

TEST_CASE("native: each message of a worker is one event") {
  CHECK(native_says(channel::Hello{"libliveswap 0.1.0", 12}) == Events{Hello{"libliveswap 0.1.0", 12}});
  CHECK(native_says(channel::Ready{}) == Events{Ready{}});
  CHECK(native_says(channel::Status{"warm\x1b"}) == Events{StatusText{"warm?"}});
  CHECK(native_says(channel::Stopping{}) == Events{Stopping{}});
  CHECK(native_says(channel::Connections{41}) == Events{Connections{41}});
  CHECK(native_says(channel::Watchdog{}) == Events{WatchdogPing{}});
  CHECK(native_says(channel::Extend{1500}) == Events{ExtendTimeout{1500us}});
  CHECK(native_says(channel::Extend{18446744073709551615U}) == Events{ExtendTimeout{kForever}});
}

TEST_CASE("native: what a running worker cannot say is a problem, what is not known is nothing") {
  CHECK(native_says(channel::Failed{"exec", "x", 2}) ==
        Events{Problem{"FAILED came on the channel from a running worker"}});
  CHECK(native_says(channel::Executing{}) ==
        Events{Problem{"EXECUTING came on the channel from a running worker"}});
  CHECK(native_says(channel::Drain{}) ==
        Events{Problem{"bad packet on the channel: the message is not for this end of the channel"}});
  const auto native = make_protocol(core::Protocol::native);
  CHECK(native->from_channel({}, 0) ==
        Events{Problem{"bad packet on the channel: the packet is shorter than a header"}});
  const std::vector<std::byte> unknown{std::byte{1}, {}, std::byte{200}, {}, {}, {}, {}, {}};
  CHECK(native->from_channel(unknown, 0) == Events{});
}

TEST_CASE("native: NOTIFY_SOCKET works, but for readiness") {
  const auto native = make_protocol(core::Protocol::native);
  CHECK(native->from_notification("READY=1\nSTATUS=up", 0) ==
        Events{StatusText{"up"},
               Problem{"READY=1 does not count under protocol native: readiness is said on the channel"}});
}

TEST_CASE("native: the request to drain is a message with the time that is left") {
  AppPolicy policy;
  policy.drain_by_signal = false;
  const auto native = make_protocol(core::Protocol::native);
  const auto asked = [&](core::Duration timeout) {
    const DrainRequest request = native->drain(policy, timeout);
    const auto& bytes = std::get<SendPacket>(request).packet;
    return std::get<channel::Drain>(channel::decode(bytes, 0, channel::End::worker).value()).deadline_ms;
  };
  CHECK(asked(60s) == 60000);
  CHECK(asked(1500us) == 1);
  CHECK(asked(-5s) == 0);
  CHECK(asked(kForever) == std::nullopt);
}

TEST_CASE("native: a drain signal that the file names goes before the message") {
  AppPolicy policy;
  policy.drain_by_signal = true;
  policy.drain_signal = SIGUSR2;
  CHECK(make_protocol(core::Protocol::native)->drain(policy, 60s) == DrainRequest{SendSignal{SIGUSR2}});
}

TEST_CASE("systemd: a notification becomes events, identity first") {
  CHECK(systemd_says("READY=1\nSTATUS=up\nMAINPID=77\nWATCHDOG_USEC=5000000") ==
        Events{MainPid{77}, WatchdogInterval{5s}, StatusText{"up"}, Ready{}});
  CHECK(systemd_says("STOPPING=1\nEXTEND_TIMEOUT_USEC=2000000") == Events{ExtendTimeout{2s}, Stopping{}});
  CHECK(systemd_says("WATCHDOG=1") == Events{WatchdogPing{}});
  CHECK(systemd_says("WATCHDOG=trigger") == Events{WatchdogTrigger{}});
  CHECK(systemd_says("EXTEND_TIMEOUT_USEC=18446744073709551615") == Events{ExtendTimeout{kForever}});
  CHECK(systemd_says("BARRIER=1", 1) == Events{Barrier{}});
  CHECK(systemd_says("RELOADING=1\nMONOTONIC_USEC=1\nX_OWN=2") == Events{});
}

TEST_CASE("systemd: what is wrong or not done is told") {
  CHECK(systemd_says("READY=2") == Events{Problem{"bad value: READY=2"}});
  CHECK(systemd_says("ERRNO=5") == Events{Problem{"it reports ERRNO=5"}});
  CHECK(systemd_says("FDSTORE=1", 1) ==
        Events{Problem{"FDSTORE: descriptors are not kept, and were closed"}});
  CHECK(make_protocol(core::Protocol::systemd)->from_channel({}, 0) ==
        Events{Problem{"a packet came on a channel that the worker should not have"}});
}

TEST_CASE("einhorn: an ack is readiness, a ping is a sign of life, anything else is told") {
  CHECK(events_of_command(R"({"command":"worker:ack","pid":5})") == Events{Ready{}});
  CHECK(events_of_command("---%0Acommand: worker:ping%0Apid: 5") == Events{WatchdogPing{}});
  CHECK(events_of_command("{command: upgrade}") ==
        Events{Problem{"upgrade came on einhorn's socket, which takes worker:ack and worker:ping only"}});
  CHECK(events_of_command("nonsense") ==
        Events{Problem{"what came on einhorn's socket cannot be read: the message is no map of words"}});
}

TEST_CASE("einhorn: NOTIFY_SOCKET works, but for readiness") {
  CHECK(make_protocol(core::Protocol::einhorn)->from_notification("READY=1\nSTATUS=up", 0) ==
        Events{StatusText{"up"},
               Problem{"READY=1 does not count under protocol einhorn: readiness is said by worker:ack"}});
}

TEST_CASE("server-starter: who says READY=1 is heard, where the file asks for it") {
  CHECK(make_protocol(core::Protocol::server_starter)->from_notification("READY=1", 0) == Events{Ready{}});
}

TEST_CASE("systemd: the request to drain is the configured signal") {
  AppPolicy policy;
  CHECK(make_protocol(core::Protocol::systemd)->drain(policy, 60s) == DrainRequest{SendSignal{SIGTERM}});
  policy.drain_signal = SIGUSR2;
  CHECK(make_protocol(core::Protocol::systemd)->drain(policy, 60s) == DrainRequest{SendSignal{SIGUSR2}});
}

}  // namespace
