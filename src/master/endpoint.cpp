#include "master/endpoint.hpp"

#include <cerrno>

#include "master/listener_socket.hpp"

namespace liveswap::master {

std::expected<std::unique_ptr<ListenerSocket>, OpenFailure> Endpoint::take_in(os::OwnedFd) {
  return std::unexpected(OpenFailure{"a shared listener has one socket, the master's", EADDRINUSE});
}

os::Result<void> Endpoint::join(const SocketUser&, std::unique_ptr<ListenerSocket>&, int) {
  return os::fail_with(EADDRINUSE, "listen");
}

}  // namespace liveswap::master
