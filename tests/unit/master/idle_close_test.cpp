// Which connections of a draining worker are idle, and what becomes of them.
#include "master/idle_close.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include "../os/sockets.hpp"

namespace liveswap::master {
namespace {

using namespace std::chrono_literals;
using os::test::must;

constexpr std::uint8_t kEstablished = 1, kCloseWait = 8;

os::ConnectionFacts quiet_for(std::chrono::milliseconds sent, std::chrono::milliseconds received,
                              std::uint8_t state = kEstablished) {
  os::ConnectionFacts facts;
  facts.state = state;
  facts.traffic = os::Traffic{.since_sent = sent, .since_received = received};
  return facts;
}

TEST_CASE("answered is idle, asked is busy, the same moment is ambiguous") {
  CHECK(idleness_of({.since_sent = 200ms, .since_received = 204ms}) == Idleness::idle);
  CHECK(idleness_of({.since_sent = 204ms, .since_received = 200ms}) == Idleness::busy);
  CHECK(idleness_of({.since_sent = 200ms, .since_received = 200ms}) == Idleness::ambiguous);
}

TEST_CASE("idle ones may be closed at once, ambiguous ones after their time, busy ones never") {
  CHECK(may_be_closed(quiet_for(200ms, 204ms), 5s));
  CHECK_FALSE(may_be_closed(quiet_for(60ms, 64ms), 5s));  // the answer may go on
  CHECK_FALSE(may_be_closed(quiet_for(4s, 4s), 5s));
  CHECK(may_be_closed(quiet_for(5s, 5s), 5s));
  CHECK_FALSE(may_be_closed(quiet_for(60ms, 60ms), 1ms));
  CHECK_FALSE(may_be_closed(quiet_for(1h, 1s), 5s));
  CHECK_FALSE(may_be_closed(quiet_for(200ms, 204ms, kCloseWait), 5s));
  CHECK_FALSE(may_be_closed(os::ConnectionFacts{.state = kEstablished}, 5s));  // a Unix socket tells no times
}

TEST_CASE("the program sees the end of the stream, and what is unread keeps a connection open") {
  const auto listener = os::test::listening(os::test::loopback());
  const auto client = os::test::connected(listener.address);
  const os::OwnedFd server = std::move(must(os::accept_connection(listener.socket))->socket);
  const auto idle = quiet_for(200ms, 204ms);
  REQUIRE(::send(client.get(), "?", 1, 0) == 1);
  REQUIRE(os::test::wait_readable(server));
  CHECK_FALSE(close_if_idle(server, idle, 5s));
  char byte = 0;
  REQUIRE(::recv(server.get(), &byte, 1, 0) == 1);
  CHECK_FALSE(close_if_idle(server, idle, 5s));  // it came since the connection was looked at: the program is at it
  auto answered = idle;
  answered.traffic->bytes_in = 1;
  CHECK(close_if_idle(server, answered, 5s));
  CHECK(::recv(server.get(), &byte, 1, MSG_DONTWAIT) == 0);
  CHECK_FALSE(close_if_idle(server, answered, 5s));  // twice is once
  REQUIRE(::send(server.get(), "!", 1, 0) == 1);  // it can still answer
  REQUIRE(os::test::wait_readable(client));
  CHECK(::recv(client.get(), &byte, 1, 0) == 1);
}

}  // namespace
}  // namespace liveswap::master
