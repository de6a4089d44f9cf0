// protocol: node. The master is the primary of Node's cluster module: an unmodified program's listen() asks it for the
// server over NODE_CHANNEL_FD and gets the shared socket (wire/node_ipc.hpp). No descriptor is passed at start.
//
// The class has what every protocol has; what is said on the channel is a session's matter (node_session.hpp), which
// the master keeps for each worker.
#pragma once

#include "protocols/protocol.hpp"

namespace liveswap::protocols {

class Node final : public Protocol {
 public:
  [[nodiscard]] bool hands_sockets() const override { return false; }
  [[nodiscard]] Environment environment(const LaunchFacts& facts) const override;
  [[nodiscard]] DrainRequest drain(const core::AppPolicy&, core::Duration) const override { return AskOnLink{}; }
  [[nodiscard]] std::vector<WorkerEvent> from_notification(std::string_view datagram,
                                                           std::size_t descriptors) const override;
};

}  // namespace liveswap::protocols
