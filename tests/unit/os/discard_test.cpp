// Goal: nobody who closes a Unix socket waits for what a stranger has put into it. Method: a TCP socket with SO_LINGER
// and bytes that nobody reads, whose only holder is the queue; where it still lingered, its close would take that long.
#include "os/discard.hpp"

#include <sys/resource.h>

#include <array>
#include <chrono>

#include "os/close_aside.hpp"
#include "os/scm.hpp"
#include "sockets.hpp"

namespace liveswap::os {
using namespace test;

namespace {

constexpr int kLingerS = 20;

// Time that passed in it, from its making to its end.
class Waited {
 public:
  ~Waited() { CHECK(std::chrono::steady_clock::now() - begun_ < std::chrono::seconds(kLingerS / 2)); }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

// With a client that reads nothing, so that what is written stays unsent.
class Lingering {
 public:
  Lingering() {
    const linger on{1, kLingerS};
    REQUIRE(::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &on, sizeof on) == 0);
    const std::array<std::byte, 65536> block{};
    while (::send(socket_.get(), block.data(), block.size(), MSG_DONTWAIT) > 0) {
    }
  }

  void give_to(FdRef queue, std::string_view text) {
    const FdRef passed[] = {socket_};
    REQUIRE(must(send_packet(queue, bytes(text), passed, MSG_DONTWAIT)) == SendOutcome::sent);
    socket_.reset();
  }

 private:
  Listener listener_ = listening(loopback());
  OwnedFd socket_ = connected(listener_.address);
};

}  // namespace

TEST_CASE("nor does one that lies in the queue of a socket that was received, or waits there to be accepted") {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    const Pair pair = socket_pair(SOCK_SEQPACKET);
    Lingering passed;
    {
      const Pair inner = socket_pair(type);
      passed.give_to(inner.a, "x");
      const FdRef both[] = {inner.a, inner.b};
      REQUIRE(must(send_packet(pair.a, bytes("y"), both, MSG_DONTWAIT)) == SendOutcome::sent);
    }
    const Waited waited;
    auto packet = must(receive_packet(pair.b, 16, kMaxPacketFds, MSG_DONTWAIT));
    REQUIRE(packet.has_value());
    REQUIRE(packet->fds.size() == 2);
    close_aside(packet->fds);
    CHECK(packet->fds.empty());
  }
}

TEST_CASE("a received socket does not make wait who closes it") {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    const Pair pair = socket_pair(type);
    Lingering passed;
    passed.give_to(pair.a, "x");
    const Waited waited;
    REQUIRE(must(receive_packet(pair.b, 16, kMaxPacketFds, MSG_DONTWAIT)).has_value());
  }
}

TEST_CASE("what is unread in a socket does not make wait who closes it, not even behind packets of nothing") {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    for (const bool peer_is_gone : {false, true}) {
      Pair pair = socket_pair(type);
      must(receive_credentials(pair.b));
      Lingering first, second;
      first.give_to(pair.a, "x");
      if (type != SOCK_STREAM) must(send_packet(pair.a, {}, {}, MSG_DONTWAIT));
      second.give_to(pair.a, type == SOCK_STREAM ? "y" : "");
      if (peer_is_gone) pair.a.reset();
      const Waited waited;
      discard_unread(pair.b);
      pair.b.reset();
    }
  }
}

TEST_CASE("to discard is no end of the peer, and does nothing to what is no socket") {
  const Pair pair = socket_pair(SOCK_STREAM);
  must(send_packet(pair.b, bytes("bye"), {}, MSG_DONTWAIT));
  discard_unread(pair.b);
  CHECK(text(must(receive_packet(pair.a, 16, 0, MSG_DONTWAIT))->payload) == "bye");
  CHECK(error_of(send_packet(pair.a, bytes("more"), {}, MSG_DONTWAIT)).contains("Broken pipe"));
  discard_unread(FdRef());
  discard_unread(pipe_pair().a);
}

TEST_CASE("connections that nobody has accepted do not make wait who closes the listener") {
  const TempDir folder;
  Listener listener = listening(must(SocketAddress::unix_path(folder.path("s"))));
  std::vector<OwnedFd> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(connected(listener.address));
    Lingering passed;
    passed.give_to(clients.back(), "x");
  }
  clients.pop_back();
  const Waited waited;
  discard_unaccepted(listener.socket);
  listener.socket.reset();
  CHECK(!connect_to(must(open_socket(AF_UNIX, SOCK_STREAM)), listener.address));
}

}  // namespace liveswap::os
