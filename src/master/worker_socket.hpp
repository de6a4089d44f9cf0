// A socket in the Unix domain that one worker speaks to: of its user alone where it has a path, which goes when the
// socket goes. Where a path would be too long, or the worker could not reach it, it has an abstract name: anybody may
// speak to that, so whoever reads looks at who spoke.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

// Where such a socket can be: `path` is absolute, or "" where the worker could not reach it; `abstract` has a leading
// '@'.
struct WorkerAddress {
  std::string path;
  std::string abstract;
};

class WorkerSocket {
 public:
  // `type`: SOCK_DGRAM or SOCK_STREAM; non-blocking.
  [[nodiscard]] static os::Result<WorkerSocket> open(int type, const WorkerAddress& address, uid_t worker);
  // One that the master before has left, at that address.
  WorkerSocket(os::OwnedFd fd, std::string address) : fd_(std::move(fd)), address_(std::move(address)) {}
  WorkerSocket() = default;
  WorkerSocket(WorkerSocket&& other) noexcept
      : fd_(std::move(other.fd_)), address_(std::exchange(other.address_, {})) {}
  WorkerSocket& operator=(WorkerSocket&& other) noexcept;
  ~WorkerSocket() { remove(); }

  [[nodiscard]] const os::OwnedFd& fd() const { return fd_; }
  [[nodiscard]] const std::string& address() const { return address_; }  // as a variable has it

 private:
  void remove();

  os::OwnedFd fd_;
  std::string address_;
};

}  // namespace liveswap::master
