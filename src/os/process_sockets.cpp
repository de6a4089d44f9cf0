#include "os/process_sockets.hpp"

#include "os/pidfd.hpp"

namespace liveswap::os {

Result<ProcessSockets> ProcessSockets::open(pid_t pid, FdRef pidfd, TcpSocketsAre tcp) {
  auto walk = DescriptorWalk::open(pid);
  if (!walk) return std::unexpected(walk.error());
  return ProcessSockets(pidfd, std::move(*walk), tcp);
}

Result<ProcessSockets::Step> ProcessSockets::next() {
  const auto entry = walk_.next();
  if (!entry) return std::unexpected(entry.error());
  if (!*entry) return Step{.end = true};
  const int number = (*entry)->number;
  if (!(*entry)->socket_inode) return Step{.number = number};
  if (tcp_ == TcpSocketsAre::named && walk_.is_tcp(number)) {
    return Step{.number = number, .tcp_inode = (*entry)->socket_inode};
  }
  auto socket = fetch_descriptor(pidfd_, number);
  if (socket) return Step{.socket = std::move(*socket), .number = number};
  if (socket.error().code == EBADF) return Step{.number = number};  // closed meanwhile
  return std::unexpected(socket.error());
}

}  // namespace liveswap::os
