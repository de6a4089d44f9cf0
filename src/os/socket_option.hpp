// Socket options, each with the name that errors show: "setsockopt SO_MARK: Operation not permitted".
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

struct SocketOption {
  int level;
  int name;
  const char* text;
};

namespace option {
inline constexpr SocketOption kReuseAddress{SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR"};
inline constexpr SocketOption kReusePort{SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT"};
inline constexpr SocketOption kKeepalive{SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"};
inline constexpr SocketOption kMark{SOL_SOCKET, SO_MARK, "SO_MARK"};
inline constexpr SocketOption kReceiveBuffer{SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF"};  // read back, it is doubled
inline constexpr SocketOption kSendBuffer{SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF"};
inline constexpr SocketOption kV6Only{IPPROTO_IPV6, IPV6_V6ONLY, "IPV6_V6ONLY"};
inline constexpr SocketOption kNoDelay{IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"};
inline constexpr SocketOption kDeferAccept{IPPROTO_TCP, TCP_DEFER_ACCEPT, "TCP_DEFER_ACCEPT"};  // seconds
inline constexpr SocketOption kFastOpen{IPPROTO_TCP, TCP_FASTOPEN,
                                        "TCP_FASTOPEN"};                    // backlog of such connections
inline constexpr SocketOption kDomain{SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN"};  // these three can only be read
inline constexpr SocketOption kType{SOL_SOCKET, SO_TYPE, "SO_TYPE"};
inline constexpr SocketOption kListening{SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN"};
}  // namespace option

[[nodiscard]] Result<void> set_option(FdRef socket, const SocketOption& option, int value);
[[nodiscard]] Result<int> get_option(FdRef socket, const SocketOption& option);

// These have one option for IPv4 and one for IPv6; the socket's family decides.
[[nodiscard]] Result<void> set_freebind(FdRef socket, bool on);  // bind to an address that is not there yet
[[nodiscard]] Result<void> set_transparent(FdRef socket,
                                           bool on);        // or that is another machine's; CAP_NET_ADMIN
[[nodiscard]] Result<void> set_tos(FdRef socket, int tos);  // 0 to 255; both options for a dual-stack socket

[[nodiscard]] Result<void> bind_to_device(FdRef socket, const std::string& interface);

}  // namespace liveswap::os
