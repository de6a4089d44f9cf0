// Goal: a reader that has gone is an error, and no signal is left, taken or changed. Method: pipes without readers.
#include "os/quiet_write.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

using namespace liveswap;

namespace {

os::OwnedFd pipe_without_reader() {
  std::array<int, 2> fds{};
  REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
  ::close(fds[0]);
  return os::OwnedFd{os::adopt, fds[1]};
}

sigset_t blocked_now() {
  sigset_t blocked;
  REQUIRE(::pthread_sigmask(SIG_SETMASK, nullptr, &blocked) == 0);
  return blocked;
}

bool waits(int signal) {
  sigset_t pending;
  REQUIRE(::sigpending(&pending) == 0);
  return ::sigismember(&pending, signal) == 1;
}

struct Blocked {
  Blocked() {
    sigset_t sigpipe;
    ::sigemptyset(&sigpipe);
    ::sigaddset(&sigpipe, SIGPIPE);
    REQUIRE(::pthread_sigmask(SIG_BLOCK, &sigpipe, &before) == 0);
  }
  ~Blocked() { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;
  sigset_t before{};
};

void check_error() {
  const auto pipe = pipe_without_reader();
  errno = 0;
  CHECK(os::write_quietly(pipe, "x") == -1);
  CHECK(errno == EPIPE);
}

}  // namespace

TEST_CASE("whatever SIGPIPE does, it does not come, and is not blocked afterwards") {
  for (const auto disposition : {SIG_DFL, SIG_IGN}) {
    const auto before = ::signal(SIGPIPE, disposition);
    check_error();
    const sigset_t blocked = blocked_now();
    CHECK(::sigismember(&blocked, SIGPIPE) == 0);
    CHECK_FALSE(waits(SIGPIPE));
    ::signal(SIGPIPE, before);
  }
}

TEST_CASE("where SIGPIPE is blocked it stays so, and none waits that did not before") {
  const auto before = ::signal(SIGPIPE, SIG_DFL);
  {
    const Blocked blocked;
    check_error();
    CHECK_FALSE(waits(SIGPIPE));
    const sigset_t now = blocked_now();
    CHECK(::sigismember(&now, SIGPIPE) == 1);
  }
  ::signal(SIGPIPE, before);
}

TEST_CASE("a SIGPIPE that waited before is somebody else's, and still waits") {
  const auto before = ::signal(SIGPIPE, SIG_DFL);
  {
    const Blocked blocked;
    REQUIRE(::raise(SIGPIPE) == 0);
    check_error();
    CHECK(waits(SIGPIPE));
    ::signal(SIGPIPE, SIG_IGN);  // takes it away
  }
  ::signal(SIGPIPE, before);
}

TEST_CASE("what can be written is written") {
  std::array<int, 2> fds{};
  REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
  const os::OwnedFd in{os::adopt, fds[0]};
  const os::OwnedFd out{os::adopt, fds[1]};
  CHECK(os::write_quietly(out, "hello") == 5);
  std::array<char, 8> read{};
  CHECK(::read(in.get(), read.data(), read.size()) == 5);
}
