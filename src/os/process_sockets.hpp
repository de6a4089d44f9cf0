// The sockets of another process, fetched out of it one after the other (pidfd_getfd, Linux 5.6). Nothing but sockets
// is ever fetched: to close a copy of a file on NFS or FUSE can wait for its server.
//
// Needs the right to trace the process: the same user, dumpable, no Yama in the way; or CAP_SYS_PTRACE.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <utility>

#include "os/descriptor_walk.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

// What is done with sockets of plain TCP, which can be looked at from outside, too (tcp_sockets.hpp).
enum class TcpSocketsAre { fetched, named };

class ProcessSockets {
 public:
  // Borrows `pidfd`, which must be of the process that has this pid, for as long as this lives.
  [[nodiscard]] static Result<ProcessSockets> open(pid_t pid, FdRef pidfd,
                                                   TcpSocketsAre tcp = TcpSocketsAre::fetched);

  struct Step {
    bool end = false;  // every descriptor has been looked at
    OwnedFd socket{};  // valid where the one that was looked at is a socket
    int number = -1;   // that it has in the process
    std::optional<std::uint64_t> tcp_inode{};  // where it is one that is only named
  };
  // Looks at one descriptor. After the end or an error nothing more comes. ENOENT and ESRCH: as with DescriptorWalk.
  [[nodiscard]] Result<Step> next();

 private:
  ProcessSockets(FdRef pidfd, DescriptorWalk walk, TcpSocketsAre tcp)
      : pidfd_(pidfd), walk_(std::move(walk)), tcp_(tcp) {}

  FdRef pidfd_;
  DescriptorWalk walk_;
  TcpSocketsAre tcp_;
};

}  // namespace liveswap::os
