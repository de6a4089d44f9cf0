// A lock that only one process of the system has at a time (flock), with the holder's pid in the file for
// people. The kernel frees it when the last copy of the descriptor is closed, however the holder ended; the
// file stays.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

class LockFile {
 public:
  explicit LockFile(OwnedFd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] FdRef fd() const { return fd_; }  // a duplicate holds the lock, too

  // For when the process that took the lock becomes another one.
  [[nodiscard]] Result<void> write_pid(pid_t pid) const;

 private:
  OwnedFd fd_;
};

struct LockAttempt {
  std::optional<LockFile> lock;  // ours now; or
  pid_t holder = 0;              // somebody else's: what the file says, 0 if it says nothing (yet)
};

// One that another process has taken, and which is ours from now on.
[[nodiscard]] Result<LockAttempt> keep_lock(OwnedFd taken);

// Never waits. The directory must be one that only we can write.
[[nodiscard]] Result<LockAttempt> take_lock(const std::string& path);

}  // namespace liveswap::os
