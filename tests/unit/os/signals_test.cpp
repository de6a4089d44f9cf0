#include "os/signals.hpp"

#include "processes.hpp"

namespace liveswap::os {
using namespace test;

TEST_CASE("a signal is read with its sender") {
  const SignalFd signals = must(SignalFd::open({SIGUSR1, SIGHUP}));
  CHECK(!must(signals.read()).has_value());
  const Child child("kill -USR1 $PPID");
  REQUIRE(wait_readable(signals.fd()));
  const auto received = must(signals.read());
  REQUIRE(received.has_value());
  CHECK(received->number == SIGUSR1);
  CHECK(received->sender_pid == child.pid());
  CHECK(received->sender_uid == ::getuid());
  CHECK(received->code == SI_USER);
  CHECK(!must(signals.read()).has_value());
}

TEST_CASE("the descriptor is close-on-exec") {
  const SignalFd signals = must(SignalFd::open({SIGUSR1}));
  CHECK(must(is_cloexec(signals.fd())));
}

TEST_CASE("a number that is no signal is refused") {
  CHECK(error_of(SignalFd::open({SIGTERM, 999})) == "sigaddset(999): Invalid argument");
}

}  // namespace liveswap::os
