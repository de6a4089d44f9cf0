#include "os/sock_diag.hpp"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "os/fd.hpp"

namespace liveswap::os {
namespace {

constexpr std::size_t kBufferSize = 32 * 1024;  // the kernel fills at most this much at a time
constexpr std::uint32_t kAnyCookie = ~0U;

using Bytes = std::span<const std::byte>;
using Receiver = std::function<void(Bytes)>;  // gets the payload of each message

template <class T>
T read_struct(Bytes bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

std::size_t aligned(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

// Cuts the first message off; nullopt where the rest is no message.
std::optional<Bytes> next_message(Bytes& rest) {
  if (rest.size() < sizeof(nlmsghdr)) return std::nullopt;
  const auto length = read_struct<nlmsghdr>(rest).nlmsg_len;
  if (length < sizeof(nlmsghdr) || length > rest.size()) return std::nullopt;
  const Bytes message = rest.first(length);
  rest = rest.subspan(std::min(aligned(length), rest.size()));
  return message;
}

// Hands the payloads on. True at the end of the answer: of a dump its DONE, else the only message.
Result<bool> take_messages(Bytes rest, bool dump, const Receiver& receiver) {
  while (const auto message = next_message(rest)) {
    const auto type = read_struct<nlmsghdr>(*message).nlmsg_type;
    const Bytes payload = message->subspan(sizeof(nlmsghdr));
    if (type == NLMSG_DONE) return true;
    if (type == NLMSG_ERROR) return fail_with(-read_struct<nlmsgerr>(payload).error, "sock_diag");
    if (type == SOCK_DIAG_BY_FAMILY) receiver(payload);
    if (!dump) return true;
  }
  return false;
}

template <class Request>
Result<void> ask(const Request& request, bool dump, const Receiver& receiver) {
  const OwnedFd socket{adopt, ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
  if (!socket) return fail("socket", "NETLINK_SOCK_DIAG");
  struct {
    nlmsghdr header;
    Request body;
  } message{};
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | (dump ? NLM_F_DUMP : 0));
  message.body = request;
  if (::send(socket.get(), &message, sizeof message, 0) == -1) return fail("send", "NETLINK_SOCK_DIAG");

  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kBufferSize);
  for (;;) {
    const ssize_t size =
        retry_interrupted([&] { return ::recv(socket.get(), buffer.get(), kBufferSize, 0); });
    if (size == -1) return fail("recv", "NETLINK_SOCK_DIAG");
    const auto done = take_messages({buffer.get(), static_cast<std::size_t>(size)}, dump, receiver);
    if (!done) return std::unexpected(done.error());
    if (*done) return {};
  }
}

SocketAddress local_of(const inet_diag_msg& message) {
  sockaddr_storage storage{};
  if (message.idiag_family == AF_INET) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = message.id.idiag_sport;
    std::memcpy(&address.sin_addr, message.id.idiag_src, sizeof address.sin_addr);
    std::memcpy(&storage, &address, sizeof address);
    return SocketAddress::from_kernel(storage, sizeof address);
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = message.id.idiag_sport;
  std::memcpy(&address.sin6_addr, message.id.idiag_src, sizeof address.sin6_addr);
  std::memcpy(&storage, &address, sizeof address);
  return SocketAddress::from_kernel(storage, sizeof address);
}

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
  Bytes rest = payload.subspan(std::min(aligned(sizeof(unix_diag_msg)), payload.size()));
  while (rest.size() >= sizeof(rtattr)) {
    const auto attribute = read_struct<rtattr>(rest);
    if (attribute.rta_len < sizeof(rtattr) || attribute.rta_len > rest.size()) break;
    const Bytes value = rest.first(attribute.rta_len).subspan(sizeof(rtattr));
    if (attribute.rta_type == UNIX_DIAG_NAME) socket.name = unix_name(value);
    if (attribute.rta_type == UNIX_DIAG_RQLEN) {
      const auto queues = read_struct<unix_diag_rqlen>(value);
      socket.receive_queue = queues.udiag_rqueue;
      socket.send_queue = queues.udiag_wqueue;
    }
    rest = rest.subspan(std::min(aligned(attribute.rta_len), rest.size()));
  }
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
    found = TcpSocket{message.idiag_inode, message.idiag_uid, message.idiag_state == TCP_ESTABLISHED};
  });
  if (!asked) return std::unexpected(asked.error());
  if (!found) return fail_with(ENOENT, "sock_diag");
  return *found;
}

Result<std::vector<InetSocket>> list_inet_sockets(int family, int type) {
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<std::uint8_t>(family);
  request.sdiag_protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  request.idiag_states = type == SOCK_STREAM ? 1U << TCP_LISTEN : ~0U;
  std::vector<InetSocket> sockets;
  const auto asked = ask(request, true, [&](Bytes payload) {
    const auto message = read_struct<inet_diag_msg>(payload);
    sockets.push_back({local_of(message), message.idiag_inode, message.idiag_uid});
  });
  if (!asked) return std::unexpected(asked.error());
  return sockets;
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
