// A socket's address as a value: IPv4, IPv6, Unix path or abstract Unix name. Only numeric text is read; no
// name is ever looked up.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "os/error.hpp"

namespace liveswap::os {

class SocketAddress {
 public:
  SocketAddress() = default;  // of no family; text() is "(none)"

  [[nodiscard]] static Result<SocketAddress> ipv4(std::string_view host, std::uint16_t port);
  [[nodiscard]] static Result<SocketAddress> ipv6(std::string_view host,
                                                  std::uint16_t port);  // fe80::1%eth0 too
  [[nodiscard]] static Result<SocketAddress> unix_path(std::string_view path);
  [[nodiscard]] static Result<SocketAddress> unix_abstract(std::string_view name);  // without the @
  [[nodiscard]] static SocketAddress from_kernel(const sockaddr_storage& storage, socklen_t size);

  [[nodiscard]] const sockaddr* data() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const { return size_; }
  [[nodiscard]] int family() const { return storage_.ss_family; }

  [[nodiscard]] std::uint16_t port() const;  // 0 where there is none
  [[nodiscard]] bool is_any_host() const;    // 0.0.0.0 or ::
  [[nodiscard]] std::string host() const;    // "127.0.0.1", "::1"; empty for Unix addresses
  [[nodiscard]] std::string unix_name()
      const;                               // "/run/x.sock", "@name"; empty for others and unnamed sockets
  [[nodiscard]] std::string text() const;  // "127.0.0.1:80", "[::1]:80", "/run/x.sock", "@name"

  bool operator==(const SocketAddress& other) const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace liveswap::os
