// The descriptors that a process has open, one after the other, and which of them are sockets. Each next() takes
// microseconds, so that a walk over very many can be done in pieces; what is opened or closed meanwhile may be missed.
// Needs the right to trace the process.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

class DescriptorWalk {
 public:
  [[nodiscard]] static Result<DescriptorWalk> open(pid_t pid);

  struct Entry {
    int number = -1;                              // that it has in the process
    std::optional<std::uint64_t> socket_inode{};  // where it is a socket
  };
  // nullopt: every one has been looked at. ENOENT: the process has let go of all of them, since it ends; or only its
  // first thread has ended, and what the others have cannot be seen.
  [[nodiscard]] Result<std::optional<Entry>> next();

  // Whether that socket is of plain TCP, by what the kernel calls its protocol; MPTCP is another.
  [[nodiscard]] bool is_tcp(int number) const;

 private:
  static constexpr std::size_t kBufferSize = 4096;  // some 170 entries, which the kernel takes its time to make
  DescriptorWalk(std::string path, OwnedFd directory);
  [[nodiscard]] Result<bool> fill();
  [[nodiscard]] std::optional<int> next_in_buffer();
  [[nodiscard]] std::optional<std::uint64_t> socket_inode(int number) const;

  std::string path_;  // /proc/PID/fd
  OwnedFd directory_;
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t filled_ = 0, read_ = 0;  // of the buffer
};

}  // namespace liveswap::os
