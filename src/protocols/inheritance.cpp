#include "protocols/inheritance.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "wire/bincode.hpp"
#include "wire/gob.hpp"

namespace liveswap::protocols {
namespace {

using Family = HandedSocket::Family;

std::string numbers(std::span<const HandedSocket> sockets, std::string_view behind_each, std::string_view between) {
  std::string text;
  for (const HandedSocket& socket : sockets) {
    if (!text.empty()) text += between;
    text += std::to_string(socket.number);
    text += behind_each;
  }
  return text;
}

// "127.0.0.1:80", "[::1]:80".
std::string host_and_port(const HandedSocket& socket) {
  const bool is_ipv6 = socket.family == Family::ipv6;
  return fmt::format("{}{}{}:{}", is_ipv6 ? "[" : "", socket.host, is_ipv6 ? "]" : "", socket.port);
}

// As puma writes its binds: what its own configuration names must be the same text.
std::string puma_url(const HandedSocket& socket) {
  return socket.family == Family::unix_path ? "unix://" + socket.host : "tcp://" + host_and_port(socket);
}

// As Go's net.Listen is asked for it. All of IPv6, which is how the kernel names all of both, is ":80" there.
std::vector<std::string> tableflip_name(const HandedSocket& socket) {
  const std::string kind = is_datagram(socket.kind) ? "packet" : "listener";
  switch (socket.kind) {
    case core::SocketKind::tcp:
    case core::SocketKind::udp: break;
    case core::SocketKind::unix_stream: return {kind, "unix", socket.host};
    case core::SocketKind::unix_dgram: return {kind, "unixgram", socket.host};
    case core::SocketKind::unix_seqpacket: return {kind, "unixpacket", socket.host};
  }
  const std::string network = socket.kind == core::SocketKind::udp ? "udp" : "tcp";
  return {kind, network, socket.host == "::" ? fmt::format(":{}", socket.port) : host_and_port(socket)};
}

std::string gob_names(std::span<const HandedSocket> sockets) {
  std::vector<std::vector<std::string>> names;
  for (const HandedSocket& socket : sockets) names.push_back(tableflip_name(socket));
  return wire::gob_of_names(names);
}

// std::net::SocketAddr: which of the two, the address, the port.
void add_socket_address(wire::Bincode& out, const HandedSocket& socket) {
  const bool is_ipv6 = socket.family == Family::ipv6;
  std::array<char, 16> address{};
  ::inet_pton(is_ipv6 ? AF_INET6 : AF_INET, socket.host.c_str(), address.data());
  out.variant(is_ipv6 ? 1 : 0).bytes({address.data(), is_ipv6 ? std::size_t{16} : std::size_t{4}}).number(socket.port);
}

// Option<PathBuf>: an abstract socket has no path.
void add_path(wire::Bincode& out, const std::string& path) {
  if (path.starts_with('/')) {
    out.some().text(path);
  } else {
    out.none();
  }
}

// Vec<ListenerInfo {fd: i32, sock_info: SockInfo}>, of ecdysis 0.6; a case that it does not have is left out.
std::string bincode_names(std::span<const HandedSocket> sockets) {
  enum Case : std::uint32_t { kUnix, kTcp, kUdp, kUnboundUnixDatagram, kUnixSeqpacket };
  wire::Bincode list;
  std::size_t count = 0;
  for (const HandedSocket& socket : sockets) {
    if (socket.kind == core::SocketKind::unix_dgram) continue;
    ++count;
    list.number(static_cast<std::int32_t>(socket.number));
    switch (socket.kind) {
      case core::SocketKind::tcp: add_socket_address(list.variant(kTcp), socket); break;
      case core::SocketKind::udp: add_socket_address(list.variant(kUdp), socket); break;
      case core::SocketKind::unix_seqpacket: add_path(list.variant(kUnixSeqpacket), socket.host); break;
      default: add_path(list.variant(kUnix), socket.host);
    }
  }
  return wire::Bincode().length(count).bytes(std::move(list).take()).take();
}

}  // namespace

std::vector<std::pair<std::string, std::string>> inherited_variables(core::InheritAs inherit_as,
                                                                     const LaunchFacts& facts) {
  switch (inherit_as) {
    case core::InheritAs::nginx: return {{"NGINX", numbers(facts.sockets, ";", "")}};
    case core::InheritAs::unicorn: return {{"UNICORN_FD", numbers(facts.sockets, "", ",")}};
    case core::InheritAs::gunicorn:
      return {{"GUNICORN_FD", numbers(facts.sockets, "", ",")}, {"GUNICORN_PID", std::to_string(facts.master_pid)}};
    case core::InheritAs::puma: break;
    case core::InheritAs::tableflip:
    case core::InheritAs::ecdysis: return {};
  }
  std::vector<std::pair<std::string, std::string>> variables;
  for (const HandedSocket& socket : facts.sockets) {
    variables.emplace_back(fmt::format("PUMA_INHERIT_{}", variables.size()),
                           fmt::format("{}:{}", socket.number, puma_url(socket)));
  }
  return variables;
}

std::optional<InheritancePipes> inheritance_pipes(core::InheritAs inherit_as,
                                                  std::span<const HandedSocket> sockets) {
  if (inherit_as == core::InheritAs::tableflip) {
    return InheritancePipes{.names = gob_names(sockets),
                            .ready = "\x2a",
                            .names_stay_open = true,
                            .names_number = 4,
                            .ready_number = 3,
                            .sentinel = "TABLEFLIP_HAS_PARENT_7DIU3"};
  }
  if (inherit_as == core::InheritAs::ecdysis) {
    return InheritancePipes{.names = bincode_names(sockets),
                            .ready = "OK",
                            .sentinel = "ECDYSIS_RUST_UPGRADE",
                            .names_variable = "ECDYSIS_RUST_PIPE_FDS",
                            .ready_variable = "ECDYSIS_RUST_PIPE_READY"};
  }
  return std::nullopt;
}

}  // namespace liveswap::protocols
