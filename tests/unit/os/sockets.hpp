// Sockets for the tests, on ports that the kernel chooses.
#pragma once

#include "helpers.hpp"
#include "os/sockaddr.hpp"
#include "os/socket.hpp"
#include "os/socket_option.hpp"

namespace liveswap::os::test {

struct Listener {
  OwnedFd socket;
  SocketAddress address;
};

inline Listener bound(const SocketAddress& address, int type) {
  Listener listener;
  listener.socket = must(open_socket(address.family(), type));
  must(bind_socket(listener.socket, address));
  listener.address = must(local_address(listener.socket));
  return listener;
}

inline Listener listening(const SocketAddress& address, int type = SOCK_STREAM, int backlog = 16) {
  Listener listener = bound(address, type);
  must(listen_on(listener.socket, backlog));
  return listener;
}

inline SocketAddress loopback() { return must(SocketAddress::ipv4("127.0.0.1", 0)); }

// 127.0.0.1 and, where the machine has it, ::1.
inline std::vector<SocketAddress> loopbacks() {
  std::vector<SocketAddress> addresses{loopback()};
  const SocketAddress v6 = must(SocketAddress::ipv6("::1", 0));
  const auto socket = open_socket(AF_INET6, SOCK_STREAM);
  if (socket && bind_socket(*socket, v6)) addresses.push_back(v6);
  return addresses;
}

inline OwnedFd connected(const SocketAddress& address, int type = SOCK_STREAM) {
  OwnedFd socket = must(open_socket(address.family(), type));
  must(connect_to(socket, address));
  return socket;
}

}  // namespace liveswap::os::test
