#include "os/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>

namespace liveswap::os {

TEST_CASE("an error names the call, its argument and errno's text") {
  errno = EADDRINUSE;
  CHECK(fail("bind", "/run/x.sock").error().message() == "bind(/run/x.sock): Address already in use");
  errno = EBADF;
  CHECK(fail("fcntl", 7).error().message() == "fcntl(7): Bad file descriptor");
  errno = ENOENT;
  CHECK(fail("pipe2").error().message() == "pipe2: No such file or directory");
}

TEST_CASE("an error without errno is only its text") {
  CHECK(fail_with(0, "nothing listens").error().message() == "nothing listens");
}

TEST_CASE("an errno value that has no text is shown as a number") {
  CHECK(errno_text(4095) == "Unknown error 4095");
}

TEST_CASE("an interrupted call is repeated, another error is not") {
  int calls = 0;
  const int result = retry_interrupted([&] {
    ++calls;
    errno = calls < 3 ? EINTR : EIO;
    return -1;
  });
  CHECK(result == -1);
  CHECK(calls == 3);
  CHECK(errno == EIO);
}

}  // namespace liveswap::os
