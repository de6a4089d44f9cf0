// Goal: closing the last copy of a socket never waits. Method: a peer that answers nobody any more.
#include "os/close_aside.hpp"

#include <sched.h>

#include <chrono>

#include "sockets.hpp"

namespace liveswap::os {
namespace {

using namespace std::chrono_literals;
using namespace test;

TEST_CASE("the last copy of a socket that would wait for its peer for a minute is closed at once") {
  const auto before = count_own_fds();
  const Listener listener = listening(loopback());
  const OwnedFd client = connected(listener.address);
  OwnedFd server = std::move(must(accept_connection(listener.socket))->socket);
  const linger minute{1, 60};
  REQUIRE(::setsockopt(server.get(), SOL_SOCKET, SO_LINGER, &minute, sizeof minute) == 0);
  REQUIRE(set_nonblock(server, true));
  const std::string much(1 << 16, 'x');
  while (::send(server.get(), much.data(), much.size(), 0) > 0) {  // more than the client has room for
  }
  const auto begun = std::chrono::steady_clock::now();
  close_aside(std::move(server));
  CHECK(std::chrono::steady_clock::now() - begun < 10s);
  CHECK_FALSE(server.valid());
  while (count_own_fds() > before + 2) ::sched_yield();  // the thread has let go of the number; the socket still waits
}

TEST_CASE("one that does not wait is closed right here") {
  const auto before = count_own_fds();
  {
    Pair pair = socket_pair(SOCK_STREAM);
    close_aside(std::move(pair.a));
    CHECK(wait_readable(pair.b, POLLHUP));
  }
  CHECK(count_own_fds() == before);
}

}  // namespace
}  // namespace liveswap::os
