#include "os/connection_facts.hpp"

#include <linux/sockios.h>
#include <linux/tcp.h>  // glibc's own tcp_info ends before the bytes and segments are counted
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "os/socket.hpp"

namespace liveswap::os {
namespace {

// As include/net/tcp_states.h numbers them.
constexpr std::array<std::string_view, 13> kStates{
    "",          "established", "syn_sent", "syn_recv", "fin_wait1", "fin_wait2",    "time_wait",
    "close",     "close_wait",  "last_ack", "listen",   "closing",   "new_syn_recv"};
constexpr std::uint8_t kEstablished = 1, kSynSent = 2, kTimeWait = 6, kClose = 7, kCloseWait = 8, kListen = 10;

bool is_connected(std::uint8_t state) {
  return state != kSynSent && state != kTimeWait && state != kClose && state != kListen && state < kStates.size();
}

template <class T>
Result<T> option(FdRef socket, int level, int name, const char* text) {
  T value{};
  socklen_t size = sizeof value;
  if (::getsockopt(socket.get(), level, name, &value, &size) == -1) return fail("getsockopt", std::string_view(text));
  return value;
}

template <class Address>
Address as(const SocketAddress& address) {
  Address result{};
  std::memcpy(&result, address.data(), std::min<std::size_t>(sizeof result, address.size()));
  return result;
}

std::chrono::milliseconds ms(std::uint32_t count) { return std::chrono::milliseconds(count); }

// Kernels before 4.6 do not count data segments; there every age is but a bound.
Age age_of(const tcp_info& info, std::size_t size) {
  const bool counted = size >= offsetof(tcp_info, tcpi_data_segs_out) + sizeof info.tcpi_data_segs_out;
  if (counted && info.tcpi_data_segs_out == 0) return {ms(info.tcpi_last_data_sent), true};
  if (counted && info.tcpi_data_segs_in == 0) return {ms(info.tcpi_last_data_recv), true};
  return {ms(std::max({info.tcpi_last_data_sent, info.tcpi_last_data_recv, info.tcpi_last_ack_recv})), false};
}

std::optional<ConnectionFacts> facts_of(const tcp_info& info, std::size_t size, std::uint64_t cookie) {
  if (!is_connected(info.tcpi_state)) return std::nullopt;
  ConnectionFacts facts;
  facts.cookie = cookie;
  facts.state = info.tcpi_state;
  facts.traffic = Traffic{ms(info.tcpi_last_data_sent), ms(info.tcpi_last_data_recv), info.tcpi_bytes_received,
                          info.tcpi_bytes_acked};
  facts.age = age_of(info, size);
  return facts;
}

Result<std::optional<ConnectionFacts>> internet_facts(FdRef socket, std::uint64_t cookie) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == -1) return fail("getsockopt", "TCP_INFO");
  auto facts = facts_of(info, size, cookie);
  if (!facts) return facts;
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  if (::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&peer), &length) == 0) {
    facts->peer = Endpoint::of(SocketAddress::from_kernel(peer, length));
  }
  return facts;
}

Result<std::optional<ConnectionFacts>> unix_facts(FdRef socket, ConnectionFacts facts) {
  const auto peer = option<ucred>(socket, SOL_SOCKET, SO_PEERCRED, "SO_PEERCRED");
  if (!peer) return std::unexpected(peer.error());
  if (peer->pid == 0 && peer->uid == static_cast<uid_t>(-1)) return std::optional<ConnectionFacts>{};  // no peer yet
  facts.is_unix = true;
  facts.peer_pid = peer->pid;
  pollfd look{socket.get(), POLLRDHUP, 0};
  const bool half_closed = ::poll(&look, 1, 0) == 1 && (look.revents & (POLLRDHUP | POLLHUP)) != 0;
  facts.state = half_closed ? kCloseWait : kEstablished;
  return facts;
}

}  // namespace

Endpoint Endpoint::of(const SocketAddress& address) {
  Endpoint end{.port = address.port()};
  if (address.family() == AF_INET6) {
    const auto from = as<sockaddr_in6>(address);
    std::memcpy(end.host.data(), &from.sin6_addr, end.host.size());
  } else if (address.family() == AF_INET) {
    const auto from = as<sockaddr_in>(address);
    constexpr std::size_t kMapped = 12;
    end.host[10] = end.host[11] = 0xFF;
    std::memcpy(end.host.data() + kMapped, &from.sin_addr, sizeof from.sin_addr);
  }
  return end;
}

std::string Endpoint::text() const {
  in6_addr address{};
  std::memcpy(&address, host.data(), host.size());
  sockaddr_storage storage{};
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, host.data() + 12, sizeof v4.sin_addr);
    std::memcpy(&storage, &v4, sizeof v4);
    return SocketAddress::from_kernel(storage, sizeof v4).text();
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = address;
  std::memcpy(&storage, &v6, sizeof v6);
  return SocketAddress::from_kernel(storage, sizeof v6).text();
}

bool accepted_from(const SocketAddress& own, const SocketAddress& listener) {
  if (own.family() == AF_UNIX) return own == listener;
  if (own.family() != AF_INET && own.family() != AF_INET6) return false;
  if (listener.family() != AF_INET && listener.family() != AF_INET6) return false;
  if (own.port() != listener.port()) return false;
  return listener.is_any_host() || Endpoint::of(own).host == Endpoint::of(listener).host;
}

std::string_view ConnectionFacts::state_name() const { return kStates.at(state < kStates.size() ? state : 0); }

Result<std::optional<ConnectionFacts>> connection_facts(FdRef socket) {
  const auto type = option<int>(socket, SOL_SOCKET, SO_TYPE, "SO_TYPE");
  if (!type) return std::unexpected(type.error());
  if (*type != SOCK_STREAM && *type != SOCK_SEQPACKET) return std::optional<ConnectionFacts>{};
  const auto listens = option<int>(socket, SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN");
  if (!listens) return std::unexpected(listens.error());
  if (*listens != 0) return std::optional<ConnectionFacts>{};
  const auto domain = option<int>(socket, SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN");
  if (!domain) return std::unexpected(domain.error());
  const auto cookie = option<std::uint64_t>(socket, SOL_SOCKET, SO_COOKIE, "SO_COOKIE");
  if (!cookie) return std::unexpected(cookie.error());
  ConnectionFacts facts;
  facts.cookie = *cookie;
  if (*domain == AF_UNIX) return unix_facts(socket, facts);
  if (*domain == AF_INET || *domain == AF_INET6) return internet_facts(socket, *cookie);
  return std::optional<ConnectionFacts>{};
}

std::optional<ConnectionFacts> tcp_connection_facts(std::uint64_t cookie, const SocketAddress& peer,
                                                    std::span<const std::byte> bytes) {
  tcp_info info{};
  std::memcpy(&info, bytes.data(), std::min(sizeof info, bytes.size()));
  auto facts = facts_of(info, bytes.size(), cookie);
  if (facts) facts->peer = Endpoint::of(peer);
  return facts;
}

bool has_unread_or_unsent(FdRef connection) {
  int unread = 0, unsent = 0;
  const bool asked =
      ::ioctl(connection.get(), SIOCINQ, &unread) == 0 && ::ioctl(connection.get(), SIOCOUTQ, &unsent) == 0;
  return !asked || unread > 0 || unsent > 0;
}

}  // namespace liveswap::os
