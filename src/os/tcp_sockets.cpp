#include "os/tcp_sockets.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <utility>

#include "os/inet_diag_ends.hpp"

namespace liveswap::os {
namespace {

// Those in which a process can still have the socket: not TIME_WAIT, and not what has still to become one.
constexpr std::uint32_t kConnected = 1U << TCP_ESTABLISHED | 1U << TCP_SYN_RECV | 1U << TCP_FIN_WAIT1 |
                                     1U << TCP_FIN_WAIT2 | 1U << TCP_CLOSE_WAIT | 1U << TCP_LAST_ACK |
                                     1U << TCP_CLOSING;

inet_diag_req_v2 request_for(int family) {
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<std::uint8_t>(family);
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_ext = 1U << (INET_DIAG_INFO - 1);
  request.idiag_states = kConnected;
  return request;
}

std::uint64_t cookie_of(const inet_diag_sockid& id) {
  return id.idiag_cookie[0] | std::uint64_t{id.idiag_cookie[1]} << 32;
}

std::optional<TcpConnection> connection_of(DiagSocket::Bytes payload) {
  const auto message = read_struct<inet_diag_msg>(payload);
  TcpConnection connection{.name = {message.idiag_family, message.id}, .inode = message.idiag_inode};
  connection.local = local_end(message.idiag_family, message.id);
  std::optional<ConnectionFacts> facts;
  const auto attributes = payload.subspan(std::min(aligned(sizeof message), payload.size()));
  for_each_attribute(attributes, [&](unsigned type, DiagSocket::Bytes value) {
    if (type != INET_DIAG_INFO) return;
    facts = tcp_connection_facts(cookie_of(message.id), remote_end(message.idiag_family, message.id), value);
  });
  if (!facts) return std::nullopt;
  connection.facts = *facts;
  return connection;
}

}  // namespace

Result<TcpSockets> TcpSockets::open() {
  auto diag = DiagSocket::open();
  if (!diag) return std::unexpected(diag.error());
  return TcpSockets(std::move(*diag));
}

// Where there is no such connection the kernel finds the listener of that address, if there is one, and says by ESTALE
// that it has another cookie.
Result<std::optional<TcpConnection>> TcpSockets::look_up(const TcpName& name) {
  inet_diag_req_v2 request = request_for(name.family);
  request.id = name.id;
  if (auto asked = diag_.ask(request, false); !asked) return std::unexpected(asked.error());
  std::optional<TcpConnection> found;
  const auto answered = diag_.receive_all([&](DiagSocket::Bytes payload) { found = connection_of(payload); });
  if (answered) return found;
  const int code = answered.error().code;
  if (code == ENOENT || code == ESTALE) return std::optional<TcpConnection>{};
  return std::unexpected(answered.error());
}

Result<void> TcpSockets::list(int family, std::uint16_t own_port) {
  inet_diag_req_v2 request = request_for(family);
  request.id.idiag_sport = htons(own_port);
  return diag_.ask(request, true);
}

Result<bool> TcpSockets::more(const Receiver& receiver) {
  return diag_.receive([&](DiagSocket::Bytes payload) {
    if (const auto connection = connection_of(payload)) receiver(*connection);
  });
}

}  // namespace liveswap::os
