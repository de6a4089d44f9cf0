// Goal: writing to a stranger's descriptor neither waits nor changes it. Method: pipes, sockets and devices that are
// full, unread or gone.
#include "master/output_target.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

namespace liveswap::master {
namespace {

struct Ends {
  os::OwnedFd read;
  os::OwnedFd write;
};

Ends make_pipe() {
  std::array<int, 2> fds{};
  REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
  return {os::OwnedFd{os::adopt, fds[0]}, os::OwnedFd{os::adopt, fds[1]}};
}

Ends make_stream() {
  std::array<int, 2> fds{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
  return {os::OwnedFd{os::adopt, fds[0]}, os::OwnedFd{os::adopt, fds[1]}};
}

bool is_readable(os::FdRef fd) {
  pollfd poll_fd{fd.get(), POLLIN, 0};
  return ::poll(&poll_fd, 1, 0) == 1;
}

std::size_t must_write(OutputTarget& target, std::string_view bytes) {
  const auto written = target.write(bytes);
  if (!written) FAIL(written.error().message());
  return *written;
}

std::size_t fill(OutputTarget& target) {
  const std::string block(4096, 'x');
  std::size_t all = 0;
  for (std::size_t written = 0; (written = must_write(target, block)) > 0;) all += written;
  return all;
}

void empty_out(os::FdRef fd) {
  std::array<char, 65536> block{};
  REQUIRE(os::set_nonblock(fd, true).has_value());
  while (::read(fd.get(), block.data(), block.size()) > 0) {
  }
}

void check_never_waits(const Ends& ends) {
  OutputTarget target(ends.write);
  CHECK(must_write(target, "hello\n") == 6);
  CHECK(fill(target) > 4096);
  const auto writable = target.writable();
  REQUIRE(writable.has_value());
  CHECK_FALSE(is_readable(*writable));
  CHECK(os::is_nonblock(ends.write).value() == false);
  empty_out(ends.read);
  CHECK(is_readable(*writable));
  CHECK(must_write(target, "more\n") == 5);
}

}  // namespace

TEST_CASE("a pipe that nobody reads is written until it is full and keeps its flags") {
  check_never_waits(make_pipe());
}

TEST_CASE("a socket that nobody reads is written until it is full and keeps its flags") {
  check_never_waits(make_stream());
}

TEST_CASE("a reader that has gone is an error and no signal, which would end the process") {
  const auto before = ::signal(SIGPIPE, SIG_DFL);
  for (const bool stream : {false, true}) {
    CAPTURE(stream);
    Ends ends = stream ? make_stream() : make_pipe();
    OutputTarget target(ends.write);
    ends.read.reset();
    const auto written = target.write("hello\n");
    REQUIRE_FALSE(written.has_value());
    CHECK(written.error().code == EPIPE);
  }
  ::signal(SIGPIPE, before);
}

TEST_CASE("a full disk is an error") {
  const os::OwnedFd full{os::adopt, ::open("/dev/full", O_WRONLY | O_CLOEXEC)};
  REQUIRE(full);
  OutputTarget target(full);
  CHECK(target.write("hello\n").error().code == ENOSPC);
}

TEST_CASE("a descriptor that is not open is an error") {
  OutputTarget target(os::FdRef(-1));
  CHECK(target.write("hello\n").error().code == EBADF);
}

TEST_CASE("a file is written where its offset is") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  OutputTarget target(os::FdRef(::fileno(file)));
  CHECK(must_write(target, "one\n") == 4);
  CHECK(must_write(target, "two\n") == 4);
  std::array<char, 16> content{};
  CHECK(::pread(::fileno(file), content.data(), content.size(), 0) == 8);
  CHECK(std::string(content.data()) == "one\ntwo\n");
  std::fclose(file);
}

}  // namespace liveswap::master
