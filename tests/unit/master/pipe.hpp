// A pipe that a test reads without waiting.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>

#include "os/fd.hpp"

namespace liveswap::master::test {

struct Pipe {
  os::OwnedFd read;
  os::OwnedFd write;
  Pipe() {
    std::array<int, 2> fds{};
    REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
    read = os::OwnedFd{os::adopt, fds[0]};
    write = os::OwnedFd{os::adopt, fds[1]};
    REQUIRE(os::set_nonblock(read, true).has_value());
  }
};

// All that is there.
inline std::string read_now(os::FdRef fd) {
  std::string all;
  std::array<char, 65536> block{};
  for (ssize_t size = 0; (size = ::read(fd.get(), block.data(), block.size())) > 0;) {
    all.append(block.data(), static_cast<std::size_t>(size));
  }
  return all;
}

}  // namespace liveswap::master::test
