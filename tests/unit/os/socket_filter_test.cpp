// A pause has to hold new clients back and nobody else. Over loopback the kernel handles a segment before
// connect() or send() returns, so what was dropped can be counted at once.
#include "os/socket_filter.hpp"

#include "sockets.hpp"

namespace liveswap::os {
using namespace test;

namespace {

// Whether this kernel and user can pause TCP at all; if not, the error has to say what is missing.
bool can_pause_tcp() {
  const Listener listener = listening(loopback());
  const auto attached = attach_pause_filter(listener.socket);
  if (attached) return true;
  CHECK(attached.error().message() ==
        "pausing a TCP listener needs CAP_NET_ADMIN with this kernel: "
        "setsockopt SO_ATTACH_FILTER(" +
            std::to_string(listener.socket.get()) + "): Operation not permitted");
  MESSAGE("not tried: no right to filter TCP sockets");
  return false;
}

void say(FdRef socket, std::string_view text) {
  REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
}

std::string hear(FdRef socket) {
  REQUIRE(wait_readable(socket));
  char block[64];
  const ssize_t size = ::recv(socket.get(), block, sizeof block, 0);
  return size < 0 ? errno_text(errno) : std::string(block, static_cast<std::size_t>(size));
}

OwnedFd accept_now(FdRef listener) {
  REQUIRE(wait_readable(listener));
  auto accepted = must(accept_connection(listener));
  REQUIRE(accepted.has_value());
  return std::move(accepted->socket);
}

void check_both_ways(FdRef client, FdRef server) {
  say(client, "question");
  CHECK(hear(server) == "question");
  say(server, "answer");
  CHECK(hear(client) == "answer");
}

// Starts to connect and returns while that may still be under way.
OwnedFd connecting(const SocketAddress& address) {
  OwnedFd socket = must(open_socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK));
  const auto connected = connect_to(socket, address);
  REQUIRE((connected || connected.error().code == EINPROGRESS));
  return socket;
}

bool is_connected(FdRef socket, int wait_ms) {
  pollfd poll_fd{socket.get(), POLLOUT, 0};
  return ::poll(&poll_fd, 1, wait_ms) == 1 && (poll_fd.revents & (POLLERR | POLLHUP)) == 0;
}

}  // namespace

TEST_CASE("a connection that was queued before the pause is served in both directions") {
  if (!can_pause_tcp()) return;
  for (const SocketAddress& address : loopbacks()) {
    CAPTURE(address.text());
    const Listener listener = listening(address);
    const OwnedFd client = connected(listener.address);
    must(attach_pause_filter(listener.socket));
    const OwnedFd server = accept_now(listener.socket);
    check_both_ways(client, server);
    CHECK(must(dropped_packets(listener.socket)) == 0);
  }
}

TEST_CASE("a connection that was accepted before the pause does not notice it") {
  if (!can_pause_tcp()) return;
  const Listener listener = listening(loopback());
  const OwnedFd client = connected(listener.address);
  const OwnedFd server = accept_now(listener.socket);
  must(attach_pause_filter(listener.socket));
  check_both_ways(client, server);
}

TEST_CASE("a handshake under way completes in the pause, and its connection lives on and ends as usual") {
  if (!can_pause_tcp()) return;
  for (const SocketAddress& address : loopbacks()) {
    CAPTURE(address.text());
    const Listener listener = listening(address);
    // With TCP_DEFER_ACCEPT the kernel leaves the handshake open until the client's first data comes.
    must(set_option(listener.socket, option::kDeferAccept, 30));
    OwnedFd client = connected(listener.address);
    must(attach_pause_filter(listener.socket));
    say(client, "first");
    const OwnedFd server = accept_now(listener.socket);
    CHECK(hear(server) == "first");
    check_both_ways(client, server);
    client.reset();
    CHECK(hear(server).empty());
  }
}

TEST_CASE("a new connection waits in the pause and gets through after it") {
  if (!can_pause_tcp()) return;
  for (const SocketAddress& address : loopbacks()) {
    CAPTURE(address.text());
    const Listener listener = listening(address);
    must(attach_pause_filter(listener.socket));
    const OwnedFd client = connecting(listener.address);
    CHECK(!is_connected(client, 0));
    CHECK(must(dropped_packets(listener.socket)) == 1);
    must(detach_filter(listener.socket));
    CHECK(is_connected(client, 10'000));  // the client's kernel tries again after a second
    check_both_ways(client, accept_now(listener.socket));
  }
}

TEST_CASE("datagrams in the queue stay, later ones are dropped and counted until the pause ends") {
  for (const SocketAddress& address : loopbacks()) {
    CAPTURE(address.text());
    const Listener server = bound(address, SOCK_DGRAM);
    const OwnedFd client = connected(server.address, SOCK_DGRAM);
    say(client, "before");
    must(attach_pause_filter(server.socket));
    say(client, "lost");
    say(client, "lost too");
    CHECK(must(dropped_packets(server.socket)) == 2);
    must(detach_filter(server.socket));
    say(client, "after");
    CHECK(hear(server.socket) == "before");
    CHECK(hear(server.socket) == "after");
  }
}

TEST_CASE("a unix datagram socket is paused, a unix stream cannot be") {
  const TempDir dir;
  const Listener server = bound(must(SocketAddress::unix_path(dir.path("s"))), SOCK_DGRAM);
  const OwnedFd client = connected(server.address, SOCK_DGRAM);
  must(attach_pause_filter(server.socket));
  say(client, "lost");
  must(detach_filter(server.socket));
  say(client, "after");
  CHECK(hear(server.socket) == "after");

  const Listener stream = listening(must(SocketAddress::unix_path(dir.path("stream"))));
  CHECK(error_of(attach_pause_filter(stream.socket)) == "a Unix stream or seqpacket socket cannot be paused");
}

TEST_CASE("ending a pause that was not begun is no error") {
  const Listener listener = listening(loopback());
  must(detach_filter(listener.socket));
  const Pair pipe = pipe_pair();
  CHECK(error_of(detach_filter(pipe.a)) ==
        "setsockopt SO_DETACH_FILTER(" + std::to_string(pipe.a.get()) + "): Socket operation on non-socket");
}

}  // namespace liveswap::os
