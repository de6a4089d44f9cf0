#include "os/sockaddr.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace liveswap::os {
namespace {

constexpr std::size_t kUnixNameMax = sizeof(sockaddr_un::sun_path) - 1;  // a path ends in NUL, @ takes a byte

// Reads a family's own structure out of the storage. Copied, since the two types may not alias.
template <class Address>
Address as(const sockaddr_storage& storage) {
  Address address;
  std::memcpy(&address, &storage, sizeof address);
  return address;
}

template <class Address>
SocketAddress make(const Address& address, std::size_t size = sizeof(Address)) {
  sockaddr_storage storage{};
  std::memcpy(&storage, &address, size);
  return SocketAddress::from_kernel(storage, static_cast<socklen_t>(size));
}

std::unexpected<Error> not_an_address(std::string_view host, const char* kind) {
  return fail_with(0, "\"" + std::string(host) + "\" is no " + kind + " address");
}

Result<SocketAddress> make_unix(std::string_view name, std::size_t offset, const char* kind) {
  if (name.size() > kUnixNameMax) {
    return fail_with(0, std::string(kind) + " \"" + std::string(name) + "\" is " +
                            std::to_string(name.size()) + " bytes long, and the kernel takes at most " +
                            std::to_string(kUnixNameMax));
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + offset, name.data(), name.size());
  return make(address, offsetof(sockaddr_un, sun_path) + name.size() + 1);
}

// An interface's index from its name or number; 0 where there is none.
unsigned scope_id(const std::string& zone) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(zone.data(), zone.data() + zone.size(), number);
  const bool numeric = error == std::errc{} && end == zone.data() + zone.size();
  return numeric ? number : ::if_nametoindex(zone.c_str());
}

std::string zone_text(unsigned scope) {
  std::array<char, IF_NAMESIZE> name{};
  if (scope == 0) return {};
  return "%" +
         (::if_indextoname(scope, name.data()) != nullptr ? std::string(name.data()) : std::to_string(scope));
}

}  // namespace

Result<SocketAddress> SocketAddress::ipv4(std::string_view host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, std::string(host).c_str(), &address.sin_addr) != 1)
    return not_an_address(host, "IPv4");
  return make(address);
}

Result<SocketAddress> SocketAddress::ipv6(std::string_view host, std::uint16_t port) {
  const std::size_t percent = host.find('%');
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  if (::inet_pton(AF_INET6, std::string(host.substr(0, percent)).c_str(), &address.sin6_addr) != 1) {
    return not_an_address(host, "IPv6");
  }
  if (percent != host.npos) {
    const std::string zone(host.substr(percent + 1));
    address.sin6_scope_id = scope_id(zone);
    if (address.sin6_scope_id == 0) return fail_with(0, "there is no network interface \"" + zone + "\"");
  }
  return make(address);
}

Result<SocketAddress> SocketAddress::unix_path(std::string_view path) {
  if (path.empty() || path.find('\0') != path.npos) {
    return fail_with(0, "a unix socket's path must not be empty or hold a zero byte");
  }
  return make_unix(path, 0, "unix socket path");
}

Result<SocketAddress> SocketAddress::unix_abstract(std::string_view name) {
  if (name.empty()) return fail_with(0, "an abstract unix socket's name must not be empty");
  return make_unix(name, 1, "abstract unix socket name");
}

SocketAddress SocketAddress::from_kernel(const sockaddr_storage& storage, socklen_t size) {
  SocketAddress address;
  address.size_ = std::min<socklen_t>(size, sizeof storage);
  std::memcpy(&address.storage_, &storage, address.size_);
  return address;
}

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(as<sockaddr_in>(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(as<sockaddr_in6>(storage_).sin6_port);
  return 0;
}

bool SocketAddress::is_any_host() const {
  if (family() == AF_INET) return as<sockaddr_in>(storage_).sin_addr.s_addr == htonl(INADDR_ANY);
  if (family() != AF_INET6) return false;
  const auto address = as<sockaddr_in6>(storage_);
  return IN6_IS_ADDR_UNSPECIFIED(&address.sin6_addr);
}

std::string SocketAddress::host() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET) {
    const auto address = as<sockaddr_in>(storage_);
    return ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  }
  if (family() != AF_INET6) return {};
  const auto address = as<sockaddr_in6>(storage_);
  return ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size()) +
         zone_text(address.sin6_scope_id);
}

std::string SocketAddress::unix_name() const {
  constexpr std::size_t kOffset = offsetof(sockaddr_un, sun_path);
  if (family() != AF_UNIX || size_ <= kOffset) return {};
  const auto address = as<sockaddr_un>(storage_);
  const std::size_t length = std::min<std::size_t>(size_, sizeof address) - kOffset;
  if (address.sun_path[0] != '\0') return std::string(address.sun_path, ::strnlen(address.sun_path, length));
  std::string name(address.sun_path, length);
  std::ranges::replace(name, '\0', '@');
  return name;
}

std::string SocketAddress::text() const {
  switch (family()) {
    case AF_INET:
      return host() + ":" + std::to_string(port());
    case AF_INET6:
      return "[" + host() + "]:" + std::to_string(port());
    case AF_UNIX: {
      const std::string name = unix_name();
      return name.empty() ? "(unnamed)" : name;
    }
    default:
      return "(none)";
  }
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  return size_ == other.size_ && std::memcmp(&storage_, &other.storage_, size_) == 0;
}

}  // namespace liveswap::os
