#include "os/unix_probe.hpp"

#include <sys/socket.h>
#include <sys/stat.h>

#include "os/fd.hpp"
#include "os/sockaddr.hpp"
#include "os/socket.hpp"

namespace liveswap::os {

// A datagram socket is connected, whatever type the other one has. For another type the kernel says
// EPROTOTYPE, but only after it has found a living socket; so no listener gets a connection that it would
// have to accept.
Result<UnixPath> probe_unix(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == -1) {
    if (errno == ENOENT) return UnixPath::absent;
    return fail("stat", path);
  }
  if (!S_ISSOCK(info.st_mode)) return fail_with(0, path + " exists and is not a socket");
  const auto address = SocketAddress::unix_path(path);
  if (!address) return std::unexpected(address.error());
  const auto socket = open_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK);
  if (!socket) return std::unexpected(socket.error());

  const auto connected = connect_to(*socket, *address);
  if (connected) return UnixPath::in_use;
  switch (connected.error().code) {
    case EPROTOTYPE:  // a socket of another type
    case EPERM:
      return UnixPath::in_use;  // a datagram socket that takes only its own peer's messages
    case ECONNREFUSED:
      return UnixPath::stale;
    case ENOENT:
      return UnixPath::absent;  // removed since we looked
    default:
      return std::unexpected(connected.error());
  }
}

}  // namespace liveswap::os
