// The two ends of a connection as sock_diag tells them: addresses and ports in network order, in one array for both
// families.
#pragma once

#include <linux/inet_diag.h>
#include <netinet/in.h>

#include <cstring>

#include "os/sockaddr.hpp"

namespace liveswap::os {

inline SocketAddress end_of(int family, __be16 port, const __be32 (&host)[4]) {
  sockaddr_storage storage{};
  if (family == AF_INET) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = port;
    std::memcpy(&address.sin_addr, host, sizeof address.sin_addr);
    std::memcpy(&storage, &address, sizeof address);
    return SocketAddress::from_kernel(storage, sizeof address);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = port;
  std::memcpy(&address.sin6_addr, host, sizeof address.sin6_addr);
  std::memcpy(&storage, &address, sizeof address);
  return SocketAddress::from_kernel(storage, sizeof address);
}

inline SocketAddress local_end(int family, const inet_diag_sockid& id) {
  return end_of(family, id.idiag_sport, id.idiag_src);
}
inline SocketAddress remote_end(int family, const inet_diag_sockid& id) {
  return end_of(family, id.idiag_dport, id.idiag_dst);
}

}  // namespace liveswap::os
