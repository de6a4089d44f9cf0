#include "master/program_address.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <fstream>
#include <utility>

#include "config/address.hpp"
#include "config/paths.hpp"
#include "os/remote_process.hpp"
#include "os/sockaddr.hpp"
#include "os/socket_option.hpp"

namespace liveswap::master {
namespace {

constexpr os::SocketOption kProtocol{SOL_SOCKET, SO_PROTOCOL, "SO_PROTOCOL"};
constexpr os::SocketOption kInterface{SOL_SOCKET, SO_BINDTOIFINDEX, "SO_BINDTOIFINDEX"};
constexpr int kMptcp = 262;  // IPPROTO_MPTCP: Go's listeners from 1.24 on

std::optional<std::string> link_of(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size <= 0 || target[0] != '/') return std::nullopt;
  return std::string(target.data(), static_cast<std::size_t>(size));
}

std::optional<core::SocketKind> kind_of(os::FdRef socket) {
  const int domain = os::get_option(socket, os::option::kDomain).value_or(-1);
  const int type = os::get_option(socket, os::option::kType).value_or(-1);
  if (domain == AF_UNIX) {
    if (type == SOCK_STREAM) return core::SocketKind::unix_stream;
    if (type == SOCK_SEQPACKET) return core::SocketKind::unix_seqpacket;
    return std::nullopt;
  }
  if (domain != AF_INET && domain != AF_INET6) return std::nullopt;
  if (os::get_option(socket, kInterface).value_or(0) != 0) return std::nullopt;
  const int protocol = os::get_option(socket, kProtocol).value_or(-1);
  if (type == SOCK_STREAM && (protocol == IPPROTO_TCP || protocol == kMptcp)) return core::SocketKind::tcp;
  if (type == SOCK_DGRAM && protocol == IPPROTO_UDP) return core::SocketKind::udp;
  return std::nullopt;
}

}  // namespace

std::optional<std::string> absolute_path_of(pid_t thread, int directory, std::string_view path) {
  if (!os::shares_root(thread).value_or(false)) return std::nullopt;
  if (path.starts_with('/')) return config::absolute_path(std::string(path), "/");
  const std::string link = directory == AT_FDCWD ? fmt::format("/proc/{}/cwd", thread)
                                                 : fmt::format("/proc/{}/fd/{}", thread, directory);
  const auto folder = link_of(link);
  if (!folder) return std::nullopt;
  return config::absolute_path(std::string(path), *folder);
}

bool is_ephemeral(std::uint16_t port) {
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  int first = 0, last = 0;
  if (!(file >> first >> last)) return port >= 32768;
  return port >= first && port <= last;
}

std::optional<core::Address> program_address(std::span<const std::byte> bytes, os::FdRef socket, pid_t thread) {
  const auto kind = kind_of(socket);
  sockaddr_storage storage{};
  if (!kind || bytes.size() < sizeof storage.ss_family || bytes.size() > sizeof storage) return std::nullopt;
  std::memcpy(&storage, bytes.data(), bytes.size());
  const os::SocketAddress wanted = os::SocketAddress::from_kernel(storage, static_cast<socklen_t>(bytes.size()));
  if (wanted.family() != os::get_option(socket, os::option::kDomain).value_or(-1)) return std::nullopt;
  core::Address address{.kind = *kind};
  if (core::is_unix(*kind)) {
    const std::string name = wanted.unix_name();
    if (name.empty() || name.starts_with('@')) return std::nullopt;
    const auto path = absolute_path_of(thread, AT_FDCWD, name);
    if (!path) return std::nullopt;
    address.path = *path;
  } else {
    if (wanted.port() == 0) return std::nullopt;
    address.host = wanted.host();
    address.port = wanted.port();
  }
  address.text = config::text_of(address);
  return address;
}

}  // namespace liveswap::master
