// The kernel's list of sockets (netlink sock_diag): of this network namespace, also those of other processes,
// without any right to them. Much cheaper than /proc/net/tcp, which walks every connection.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "os/error.hpp"
#include "os/sockaddr.hpp"

namespace liveswap::os {

struct InetSocket {
  SocketAddress local;
  std::uint32_t inode = 0;  // as in the link socket:[INODE] of /proc/PID/fd
  uid_t uid = 0;
};

struct UnixSocket {
  std::string name;  // "/run/x.sock" as it was bound, "@name", or empty
  std::uint32_t inode = 0;
  std::uint32_t receive_queue = 0;  // of a listener: connections that wait to be accepted
  std::uint32_t send_queue = 0;     // of a listener: its backlog
};

// family AF_INET or AF_INET6, type SOCK_STREAM (those that listen) or SOCK_DGRAM (all that are bound); of one port, or
// of all with 0.
[[nodiscard]] Result<std::vector<InetSocket>> list_inet_sockets(int family, int type, std::uint16_t port = 0);

// Both ends of a connection.
struct TcpEnds {
  SocketAddress local, remote;
};

// The TCP socket of this machine whose own address is `local` and whose peer's is `remote`: so the other end of a
// connection over loopback tells whose it is. ENOENT: there is none.
struct TcpSocket {
  std::uint32_t inode = 0;   // 0: no process has it any more
  uid_t uid = 0;             // of whoever made it; root's where no process has it any more
  bool established = false;  // not closed by either side
  bool shakes_hands = false;  // it is none yet: the client's last packet, which makes it one, has not come
};
[[nodiscard]] Result<TcpSocket> find_tcp_socket(const SocketAddress& local, const SocketAddress& remote);

// The peers whose handshake with a listening TCP socket of that own address (its host can be any, as the listener's) is
// under way. Walks all connections of the machine: some 15 ms where there are many.
[[nodiscard]] Result<std::vector<TcpEnds>> list_handshakes(const SocketAddress& listener);

[[nodiscard]] Result<std::vector<UnixSocket>> list_unix_sockets();
[[nodiscard]] Result<UnixSocket> find_unix_socket(std::uint32_t inode);

}  // namespace liveswap::os
