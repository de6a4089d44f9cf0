#include "os/socket_option.hpp"

#include <utility>

namespace liveswap::os {
namespace {

constexpr SocketOption kFreebind4{IPPROTO_IP, IP_FREEBIND, "IP_FREEBIND"};
constexpr SocketOption kFreebind6{IPPROTO_IPV6, IPV6_FREEBIND, "IPV6_FREEBIND"};
constexpr SocketOption kTransparent4{IPPROTO_IP, IP_TRANSPARENT, "IP_TRANSPARENT"};
constexpr SocketOption kTransparent6{IPPROTO_IPV6, IPV6_TRANSPARENT, "IPV6_TRANSPARENT"};
constexpr SocketOption kTos4{IPPROTO_IP, IP_TOS, "IP_TOS"};
constexpr SocketOption kTos6{IPPROTO_IPV6, IPV6_TCLASS, "IPV6_TCLASS"};

std::unexpected<Error> fail_option(std::string call, const SocketOption& option) {
  const int code = errno;
  return fail_with(code, std::move(call) + " " + option.text);
}

Result<void> set_by_family(FdRef socket, const SocketOption& for_ipv4, const SocketOption& for_ipv6,
                           int value) {
  const auto domain = get_option(socket, option::kDomain);
  if (!domain) return std::unexpected(domain.error());
  return set_option(socket, *domain == AF_INET6 ? for_ipv6 : for_ipv4, value);
}

}  // namespace

Result<void> set_option(FdRef socket, const SocketOption& option, int value) {
  if (::setsockopt(socket.get(), option.level, option.name, &value, sizeof value) == -1) {
    return fail_option("setsockopt", option);
  }
  return {};
}

Result<int> get_option(FdRef socket, const SocketOption& option) {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(socket.get(), option.level, option.name, &value, &size) == -1) {
    return fail_option("getsockopt", option);
  }
  return value;
}

Result<void> set_freebind(FdRef socket, bool on) { return set_by_family(socket, kFreebind4, kFreebind6, on); }

Result<void> set_transparent(FdRef socket, bool on) {
  return set_by_family(socket, kTransparent4, kTransparent6, on);
}

Result<void> set_tos(FdRef socket, int tos) {
  const auto domain = get_option(socket, option::kDomain);
  if (!domain) return std::unexpected(domain.error());
  if (*domain == AF_INET6) {
    if (auto result = set_option(socket, kTos6, tos); !result) return result;
    const auto only = get_option(socket, option::kV6Only);
    if (!only) return std::unexpected(only.error());
    if (*only != 0) return {};
  }
  return set_option(socket, kTos4, tos);
}

Result<void> bind_to_device(FdRef socket, const std::string& interface) {
  const auto size = static_cast<socklen_t>(interface.size());
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(), size) == -1) {
    return fail("setsockopt SO_BINDTODEVICE", interface);
  }
  return {};
}

}  // namespace liveswap::os
