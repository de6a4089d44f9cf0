#include "os/socket.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

namespace liveswap::os {
namespace {

std::string own_name(FdRef socket) {
  const auto address = local_address(socket);
  return address ? address->text() : "descriptor " + std::to_string(socket.get());
}

std::unexpected<Error> fail_on_socket(std::string call, FdRef socket) {
  const int code = errno;
  return fail_with(code, std::move(call) + "(" + own_name(socket) + ")");
}

const char* family_name(int family) {
  switch (family) {
    case AF_INET:
      return "AF_INET";
    case AF_INET6:
      return "AF_INET6";
    case AF_UNIX:
      return "AF_UNIX";
    default:
      return "unknown family";
  }
}

// An interrupted connect of TCP goes on by itself and must not be called again: its end is waited for.
int finish_connect(FdRef socket) {
  pollfd poll_fd{socket.get(), POLLOUT, 0};
  if (retry_interrupted([&] { return ::poll(&poll_fd, 1, -1); }) == -1) return errno;
  int code = 0;
  socklen_t size = sizeof code;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &code, &size) == -1 ? errno : code;
}

// accept(2) also reports what went wrong with a connection that nobody has seen yet.
bool concerns_only_the_connection(int code) {
  constexpr std::array kCodes{ECONNABORTED, ENETDOWN, EPROTO,       ENOPROTOOPT, EHOSTDOWN,
                              ENONET,       EPERM,    EHOSTUNREACH, ENETUNREACH};
  return std::ranges::find(kCodes, code) != kCodes.end();
}

Result<std::vector<gid_t>> peer_groups(FdRef socket) {
  std::vector<gid_t> groups(32);
  for (;;) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int result = ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    if (result == -1 && errno == ENODATA)
      return std::vector<gid_t>{};  // no peer, as peer_credentials finds out
    if (result == -1 && errno != ERANGE) return fail("getsockopt SO_PEERGROUPS", socket.get());
    groups.resize(size / sizeof(gid_t));
    if (result == 0) return groups;
  }
}

}  // namespace

Result<OwnedFd> open_socket(int family, int type) {
  OwnedFd socket{adopt, ::socket(family, type | SOCK_CLOEXEC, 0)};
  if (!socket) return fail("socket", family_name(family));
  return socket;
}

Result<SocketPair> open_socket_pair(int type) {
  std::array<int, 2> fds{-1, -1};
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds.data()) == -1) return fail("socketpair");
  return SocketPair{OwnedFd{adopt, fds[0]}, OwnedFd{adopt, fds[1]}};
}

Result<void> bind_socket(FdRef socket, const SocketAddress& address) {
  if (::bind(socket.get(), address.data(), address.size()) == 0) return {};
  const int code = errno;
  return fail_with(code, "bind(" + address.text() + ")");
}

Result<void> listen_on(FdRef socket, int backlog) {
  if (::listen(socket.get(), backlog) == -1) return fail_on_socket("listen", socket);
  return {};
}

Result<void> connect_to(FdRef socket, const SocketAddress& address) {
  const auto connect = [&] { return ::connect(socket.get(), address.data(), address.size()); };
  int code = connect() == 0 ? 0 : errno;
  if (code == EINTR) {
    const bool repeatable = address.family() == AF_UNIX;
    code = repeatable ? (retry_interrupted(connect) == 0 ? 0 : errno) : finish_connect(socket);
  }
  if (code != 0) return fail_with(code, "connect(" + address.text() + ")");
  return {};
}

Result<std::optional<AcceptedConnection>> accept_connection(FdRef listener, int flags) {
  for (;;) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    OwnedFd socket{
        adopt, ::accept4(listener.get(), reinterpret_cast<sockaddr*>(&peer), &size, flags | SOCK_CLOEXEC)};
    if (socket) return AcceptedConnection{std::move(socket), SocketAddress::from_kernel(peer, size)};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<AcceptedConnection>{};
    if (errno != EINTR && !concerns_only_the_connection(errno)) return fail_on_socket("accept4", listener);
  }
}

Result<SocketAddress> local_address(FdRef socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size) == -1) {
    return fail("getsockname", socket.get());
  }
  return SocketAddress::from_kernel(storage, size);
}

Result<PeerCredentials> peer_credentials(FdRef socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1) {
    return fail("getsockopt SO_PEERCRED", socket.get());
  }
  auto groups = peer_groups(socket);
  if (!groups) return std::unexpected(groups.error());
  return PeerCredentials{peer.pid, peer.uid, peer.gid, std::move(*groups)};
}

}  // namespace liveswap::os
