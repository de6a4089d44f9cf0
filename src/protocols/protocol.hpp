// One worker protocol: how its workers find their sockets, how they are asked to drain, and what their
// messages mean. Pure translation without state, one class a protocol; the master owns sockets, signals and
// time. What most protocols have in common stands here; a protocol overrides what it has of its own.
//
//   hands_sockets()               -> whether the app's listeners are descriptors from 3 on
//   environment(facts)            -> variables for the launch plan
//   channel_number(facts)         -> where the program finds the channel, or none
//   drain(policy, timeout)        -> a packet for the channel, or a signal
//   message(text)                 -> an operator's message as a packet for the channel, or none
//   from_channel(packet, fds)     -> what the worker said on its channel
//   from_notification(text, fds)  -> what the worker said on NOTIFY_SOCKET
//
// What comes on the channel before the program runs (EXECUTING, FAILED) is the launcher's and the same for
// all protocols: the master reads that with wire::channel::decode.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "core/plan.hpp"
#include "core/time.hpp"
#include "protocols/environment.hpp"
#include "protocols/worker_event.hpp"

namespace liveswap::protocols {

struct SendSignal {
  int signo = 0;
  bool operator==(const SendSignal&) const = default;
};
struct SendPacket {
  std::vector<std::byte> packet;  // carries no descriptors
  bool operator==(const SendPacket&) const = default;
};
struct AskOnLink {  // the session that the worker has besides says it (node_session.hpp)
  bool operator==(const AskOnLink&) const = default;
};
using DrainRequest = std::variant<SendSignal, SendPacket, AskOnLink>;

class Protocol {
 public:
  Protocol() = default;
  Protocol(const Protocol&) = delete;
  Protocol& operator=(const Protocol&) = delete;
  virtual ~Protocol() = default;

  [[nodiscard]] virtual bool hands_sockets() const { return true; }

  [[nodiscard]] virtual Environment environment(const LaunchFacts& facts) const;

  // The descriptor number that the program finds the channel at; none: it does not get the channel.
  [[nodiscard]] virtual std::optional<int> channel_number(const LaunchFacts& facts) const;

  // `timeout`: after which the worker will be stopped; core::kForever: never.
  [[nodiscard]] virtual DrainRequest drain(const core::AppPolicy& policy, core::Duration timeout) const;

  // An operator's message, for the channel; none: this protocol's channel carries none.
  [[nodiscard]] virtual std::optional<SendPacket> message(std::string_view text) const;

  // One packet, and how many descriptors came with it; the caller closes those. A packet that is not
  // understood is a Problem; one of an unknown type is nothing.
  [[nodiscard]] virtual std::vector<WorkerEvent> from_channel(std::span<const std::byte> packet,
                                                              std::size_t descriptors) const;

  // One datagram, and how many descriptors came with it; the caller closes those, of a Barrier after handling
  // it.
  [[nodiscard]] virtual std::vector<WorkerEvent> from_notification(std::string_view datagram,
                                                                   std::size_t descriptors) const;
};

[[nodiscard]] std::unique_ptr<const Protocol> make_protocol(core::Protocol id);

}  // namespace liveswap::protocols
