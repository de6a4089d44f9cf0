// What the os tests share: counting descriptors, temporary directories, socket pairs, pipes.
#pragma once

#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/fd.hpp"

namespace liveswap::os::test {

// Unwraps a result that has to be there; prints the error where it is not.
template <class T>
T must(Result<T> result) {
  if (!result) FAIL(result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? std::string("no error") : result.error().message();
}

inline std::size_t count_own_fds() {
  std::size_t count = 0;
  DIR* directory = opendir("/proc/self/fd");
  REQUIRE(directory != nullptr);
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

inline std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

inline std::string text(std::span<const std::byte> data) {
  return std::string(reinterpret_cast<const char*>(data.data()), data.size());
}

struct Pair {
  OwnedFd a;
  OwnedFd b;
};

inline Pair socket_pair(int type) {
  int fds[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) == 0);
  return {OwnedFd{adopt, fds[0]}, OwnedFd{adopt, fds[1]}};
}

inline Pair pipe_pair() {  // a: read end, b: write end
  int fds[2] = {-1, -1};
  REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
  return {OwnedFd{adopt, fds[0]}, OwnedFd{adopt, fds[1]}};
}

// Waits for an event on a descriptor; false after ten seconds, which no passing test needs.
inline bool wait_readable(FdRef fd, short events = POLLIN) {
  pollfd poll_fd{fd.get(), events, 0};
  return ::poll(&poll_fd, 1, 10'000) == 1;
}

inline std::string read_to_end(FdRef fd) {
  std::string all;
  char block[4096];
  for (ssize_t size = 0; (size = ::read(fd.get(), block, sizeof block)) > 0;) {
    all.append(block, static_cast<std::size_t>(size));
  }
  return all;
}

class TempDir {
 public:
  TempDir() {
    char name[] = "/tmp/liveswap-os-test-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path_ = name;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string path(std::string_view name = {}) const {
    return name.empty() ? path_ : path_ + "/" + std::string(name);
  }

 private:
  std::string path_;
};

}  // namespace liveswap::os::test
