#include "os/accept_queue.hpp"

#include "sockets.hpp"

namespace liveswap::os {
using namespace test;

TEST_CASE("connections that wait are counted until they are accepted") {
  const TempDir dir;
  const SocketAddress stream = must(SocketAddress::unix_path(dir.path("stream")));
  const SocketAddress seqpacket = must(SocketAddress::unix_path(dir.path("seqpacket")));
  std::vector<std::pair<SocketAddress, int>> kinds{{stream, SOCK_STREAM}, {seqpacket, SOCK_SEQPACKET}};
  for (const SocketAddress& address : loopbacks()) kinds.emplace_back(address, SOCK_STREAM);
  for (const auto& [address, type] : kinds) {
    CAPTURE(address.text());
    const Listener listener = listening(address, type, 7);
    CHECK(must(accept_queue(listener.socket)).waiting == 0);
    CHECK(must(accept_queue(listener.socket)).backlog == 7);
    const OwnedFd one = connected(listener.address, type);
    const OwnedFd two = connected(listener.address, type);
    CHECK(must(accept_queue(listener.socket)).waiting == 2);
    CHECK(must(accept_connection(listener.socket)).has_value());
    CHECK(must(accept_queue(listener.socket)).waiting == 1);
  }
}

TEST_CASE("a backlog above somaxconn is cut to it") {
  const Listener listener = listening(loopback(), SOCK_STREAM, somaxconn() + 100);
  CHECK(must(accept_queue(listener.socket)).backlog == static_cast<std::uint32_t>(somaxconn()));
}

TEST_CASE("what does not listen has no queue") {
  const Listener udp = bound(loopback(), SOCK_DGRAM);
  CHECK(error_of(accept_queue(udp.socket)) ==
        "descriptor " + std::to_string(udp.socket.get()) + " does not listen: Invalid argument");
}

}  // namespace liveswap::os
