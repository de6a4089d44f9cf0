// Sockets: made close-on-exec, bound, listening, accepting. Errors name the address: "bind(127.0.0.1:80)".
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <optional>
#include <vector>

#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/sockaddr.hpp"

namespace liveswap::os {

// `type` is SOCK_STREAM and so on, with SOCK_NONBLOCK where wanted; family AF_INET, AF_INET6 or AF_UNIX.
[[nodiscard]] Result<OwnedFd> open_socket(int family, int type);

struct SocketPair {
  OwnedFd first;
  OwnedFd second;
};
[[nodiscard]] Result<SocketPair> open_socket_pair(int type);  // Unix

[[nodiscard]] Result<void> bind_socket(FdRef socket, const SocketAddress& address);

// Also changes the backlog of a socket that listens already. Above somaxconn the kernel takes somaxconn.
[[nodiscard]] Result<void> listen_on(FdRef socket, int backlog);

// A non-blocking TCP socket answers EINPROGRESS, a non-blocking Unix one whose peer's backlog is full EAGAIN.
[[nodiscard]] Result<void> connect_to(FdRef socket, const SocketAddress& address);

struct AcceptedConnection {
  OwnedFd socket;
  SocketAddress peer;
};
// nullopt: a non-blocking listener has nobody waiting. A connection that broke before it was accepted is
// passed over.
[[nodiscard]] Result<std::optional<AcceptedConnection>> accept_connection(FdRef listener, int flags = 0);

[[nodiscard]] Result<SocketAddress> local_address(FdRef socket);

// Who connected (or made the pair), as it was then; from a listener's side of a Unix connection.
struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // the supplementary ones; gid need not be among them
};
[[nodiscard]] Result<PeerCredentials> peer_credentials(FdRef socket);

}  // namespace liveswap::os
