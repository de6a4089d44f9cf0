#include "os/sock_diag.hpp"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>

#include "os/diag_socket.hpp"
#include "os/inet_diag_ends.hpp"

namespace liveswap::os {
namespace {

constexpr unsigned kNewSynRecv = 12;  // TCP_NEW_SYN_RECV: which the kernel shows as TCP_SYN_RECV

constexpr std::uint32_t kAnyCookie = ~0U;

using Bytes = DiagSocket::Bytes;

template <class Request>
Result<void> ask(const Request& request, bool dump, const DiagSocket::Receiver& receiver) {
  auto socket = DiagSocket::open();
  if (!socket) return std::unexpected(socket.error());
  if (auto asked = socket->ask(request, dump); !asked) return asked;
  return socket->receive_all(receiver);
}

SocketAddress local_of(const inet_diag_msg& message) { return local_end(message.idiag_family, message.id); }

std::string unix_name(Bytes name) {
  sockaddr_storage storage{};
  constexpr std::size_t kOffset = offsetof(sockaddr_un, sun_path);
  storage.ss_family = AF_UNIX;
  const std::size_t size = std::min(name.size(), sizeof(sockaddr_un) - kOffset);
  std::memcpy(reinterpret_cast<std::byte*>(&storage) + kOffset, name.data(), size);
  return SocketAddress::from_kernel(storage, static_cast<socklen_t>(kOffset + size)).unix_name();
}

UnixSocket read_unix_socket(Bytes payload) {
  UnixSocket socket;
  socket.inode = read_struct<unix_diag_msg>(payload).udiag_ino;
  const Bytes attributes = payload.subspan(std::min(aligned(sizeof(unix_diag_msg)), payload.size()));
  for_each_attribute(attributes, [&](unsigned type, Bytes value) {
    if (type == UNIX_DIAG_NAME) socket.name = unix_name(value);
    if (type == UNIX_DIAG_RQLEN) {
      const auto queues = read_struct<unix_diag_rqlen>(value);
      socket.receive_queue = queues.udiag_rqueue;
      socket.send_queue = queues.udiag_wqueue;
    }
  });
  return socket;
}

unix_diag_req unix_request(std::uint32_t inode) {
  unix_diag_req request{};
  request.sdiag_family = AF_UNIX;
  request.udiag_states = ~0U;
  request.udiag_ino = inode;
  request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN;
  request.udiag_cookie[0] = kAnyCookie;
  request.udiag_cookie[1] = kAnyCookie;
  return request;
}

// As sock_diag wants it: port and address in network order. The unused rest of the array is zero.
void put_end(const SocketAddress& address, __be16& port, __be32 (&host)[4]) {
  if (address.family() == AF_INET) {
    sockaddr_in end{};
    std::memcpy(&end, address.data(), sizeof end);
    port = end.sin_port;
    std::memcpy(host, &end.sin_addr, sizeof end.sin_addr);
    return;
  }
  sockaddr_in6 end{};
  std::memcpy(&end, address.data(), sizeof end);
  port = end.sin6_port;
  std::memcpy(host, &end.sin6_addr, sizeof end.sin6_addr);
}

}  // namespace

// Where there is no such connection the kernel answers with the listener of that address, if there is one.
Result<TcpSocket> find_tcp_socket(const SocketAddress& local, const SocketAddress& remote) {
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<std::uint8_t>(local.family());
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = ~0U;
  put_end(local, request.id.idiag_sport, request.id.idiag_src);
  put_end(remote, request.id.idiag_dport, request.id.idiag_dst);
  request.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  std::optional<TcpSocket> found;
  const auto asked = ask(request, false, [&](Bytes payload) {
    const auto message = read_struct<inet_diag_msg>(payload);
    if (message.id.idiag_sport != request.id.idiag_sport || message.id.idiag_dport != request.id.idiag_dport) return;
    found = TcpSocket{message.idiag_inode, message.idiag_uid, message.idiag_state == TCP_ESTABLISHED,
                      message.idiag_state == TCP_SYN_RECV};
  });
  if (!asked) return std::unexpected(asked.error());
  if (!found) return fail_with(ENOENT, "sock_diag");
  return *found;
}

Result<std::vector<InetSocket>> list_inet_sockets(int family, int type, std::uint16_t port) {
  inet_diag_req_v2 request{};
  request.id.idiag_sport = htons(port);
  request.sdiag_family = static_cast<std::uint8_t>(family);
  request.sdiag_protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  request.idiag_states = type == SOCK_STREAM ? 1U << TCP_LISTEN : ~0U;
  std::vector<InetSocket> sockets;
  const auto asked = ask(request, true, [&](Bytes payload) {
    const auto message = read_struct<inet_diag_msg>(payload);
    if (port != 0 && message.id.idiag_sport != request.id.idiag_sport) return;
    sockets.push_back({local_of(message), message.idiag_inode, message.idiag_uid});
  });
  if (!asked) return std::unexpected(asked.error());
  return sockets;
}

Result<std::vector<TcpEnds>> list_handshakes(const SocketAddress& listener) {
  inet_diag_req_v2 request{};
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = 1U << TCP_SYN_RECV | 1U << kNewSynRecv;
  request.id.idiag_sport = htons(listener.port());
  std::vector<TcpEnds> handshakes;
  const auto take = [&](Bytes payload) {
    const auto message = read_struct<inet_diag_msg>(payload);
    if (message.idiag_state != TCP_SYN_RECV || message.id.idiag_sport != request.id.idiag_sport) return;
    const SocketAddress local = local_of(message);
    if (!listener.is_any_host() && local.host() != listener.host()) return;
    handshakes.push_back({local, remote_end(message.idiag_family, message.id)});
  };
  for (const int family : {AF_INET, AF_INET6}) {
    if (family == AF_INET6 && listener.family() == AF_INET) continue;  // but IPv4 comes to an IPv6 listener, too
    request.sdiag_family = static_cast<std::uint8_t>(family);
    if (const auto asked = ask(request, true, take); !asked) return std::unexpected(asked.error());
  }
  return handshakes;
}

Result<std::vector<UnixSocket>> list_unix_sockets() {
  std::vector<UnixSocket> sockets;
  const auto asked =
      ask(unix_request(0), true, [&](Bytes payload) { sockets.push_back(read_unix_socket(payload)); });
  if (!asked) return std::unexpected(asked.error());
  return sockets;
}

Result<UnixSocket> find_unix_socket(std::uint32_t inode) {
  UnixSocket found;
  const auto asked =
      ask(unix_request(inode), false, [&](Bytes payload) { found = read_unix_socket(payload); });
  if (!asked) return std::unexpected(asked.error());
  return found;
}

}  // namespace liveswap::os
