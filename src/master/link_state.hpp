// What the next master has to know of a worker's links (worker_link.hpp), beside their descriptors, which are kept for
// it under these numbers (worker_keeper.hpp); 0: it has none any more.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/archive.hpp"

namespace liveswap::master {

struct ReadyPipeState {
  std::uint32_t pipe = 0;  // 0: it has said that it is ready, or is closed
  std::string seen;
  std::uint32_t names = 0;  // of a server that inherits: the pipe of its names
};
LIVESWAP_FIELDS(ReadyPipeState, pipe, seen, names)

struct SocketLinkState {
  std::uint32_t socket = 0;
  std::string address;      // as a variable has it; "" for one end of a pair
  std::uint32_t connected = 0;  // a connection that was there from the start
};
LIVESWAP_FIELDS(SocketLinkState, socket, address, connected)

struct NodeLinkState {
  std::uint32_t channel = 0;
  std::string session;  // protocols/node_session.hpp
  std::uint64_t written = 0;
  bool told_foreign = false, told_ready = false;
  std::vector<std::pair<std::string, std::uint32_t>> to_send;
};
LIVESWAP_FIELDS(NodeLinkState, channel, session, written, told_foreign, told_ready, to_send)

using LinkState = std::variant<ReadyPipeState, SocketLinkState, NodeLinkState>;

}  // namespace liveswap::master
