#include "config/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "config/paths.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

using core::Address;
using core::SocketKind;

struct Scheme {
  std::string_view prefix;
  SocketKind kind;
};

constexpr auto kSchemes = std::to_array<Scheme>({
#define SOCKET_KIND(id, name, scheme) {scheme, SocketKind::id},
#include "core/socket_kinds.def"
#undef SOCKET_KIND
});

using Addresses = std::expected<std::vector<Address>, std::string>;

std::unexpected<std::string> refused(std::string_view text, std::string_view reason) {
  return std::unexpected(fmt::format("{} {}", quoted(text), reason));
}

bool is_port(std::string_view text) {
  unsigned value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value <= 65535;
}

bool is_ipv4_text(const std::string& host) {
  in_addr address{};
  return inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool is_ipv6_text(const std::string& host) {
  in6_addr address{};
  return inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// Link-local addresses need their interface: fe80::1%eth0.
bool is_scoped_ipv6_text(const std::string& host) {
  auto percent = host.find('%');
  if (percent == std::string::npos) return is_ipv6_text(host);
  return percent + 1 < host.size() && is_ipv6_text(host.substr(0, percent)) && host.starts_with("fe80:");
}

// What a person who left the scheme out most likely meant.
std::string guess(std::string_view text) {
  if (text.starts_with('/') || text.starts_with("./")) return fmt::format("unix:{}", text);
  if (text.starts_with('@') && text.size() > 1) return fmt::format("unix:{}", text);
  if (is_port(text)) return fmt::format("tcp://:{}", text);
  if (auto scheme = text.find("://"); scheme != std::string_view::npos) {
    return fmt::format("tcp://{}", text.substr(scheme + 3));
  }
  for (std::string_view prefix : {"tcp:", "udp:"}) {
    if (text.starts_with(prefix)) return fmt::format("{}//{}", prefix, text.substr(prefix.size()));
  }
  auto colon = text.rfind(':');
  if (colon != std::string_view::npos && is_port(text.substr(colon + 1)))
    return fmt::format("tcp://{}", text);
  return "";
}

std::unexpected<std::string> no_scheme(std::string_view text, std::string_view folder) {
  auto meant = guess(text);
  if (!meant.empty() && parse_address(meant, folder)) {
    return refused(text, fmt::format("is not an address (did you mean {}?)", quoted(meant)));
  }
  return refused(text,
                 "is not an address: write tcp://HOST:PORT, udp://HOST:PORT, unix:PATH, unix-dgram:PATH or "
                 "unix-seqpacket:PATH");
}

Addresses unix_address(std::string_view text, SocketKind kind, std::string_view path,
                       std::string_view folder) {
  Address address{.kind = kind, .text = std::string(text)};
  address.abstract = path.starts_with('@');
  if (path.empty() || path == "@") return refused(text, "has no path");
  auto last = path.substr(path.rfind('/') + 1);
  bool is_folder = last.empty() || last == "." || last == "..";
  if (is_folder && path[0] != '@') return refused(text, "names a folder, not a socket in it");
  address.path = address.abstract ? std::string(path.substr(1)) : absolute_path(path, folder);
  if (address.path.size() > kUnixPathMax) {
    return refused(text, fmt::format("is too long: {} bytes as an absolute path, and the kernel takes {}",
                                     address.path.size(), kUnixPathMax));
  }
  return std::vector{address};
}

// HOST of HOST:PORT, without brackets.
struct HostPort {
  std::string host;
  std::string_view port;
  bool bracketed = false;
};

std::expected<HostPort, std::string> split_host(std::string_view rest) {
  auto colon = rest.rfind(':');
  bool port_missing = colon == std::string_view::npos || colon < rest.find(']') + 1;
  if (rest.starts_with('[')) {
    auto close = rest.find(']');
    if (close == std::string_view::npos) return std::unexpected("lacks the ] of its address");
    if (close + 1 == rest.size()) return std::unexpected("has no port: write …:80");
    if (rest[close + 1] != ':') return std::unexpected("has something between ] and the port");
    return HostPort{std::string(rest.substr(1, close - 1)), rest.substr(close + 2), true};
  }
  if (port_missing && rest.find(']') == std::string_view::npos)
    return std::unexpected("has no port: write …:80");
  return HostPort{std::string(rest.substr(0, colon)), rest.substr(colon + 1), false};
}

std::string host_reason(const HostPort& parts) {
  if (parts.bracketed)
    return fmt::format("has {} in brackets, which is not an IPv6 address", quoted(parts.host));
  if (parts.host == "*") return "has * for a host: leave the host out for all addresses, as in tcp://:80";
  if (parts.host.find(':') != std::string::npos)
    return "has an IPv6 address without brackets: write [::1]:80";
  return fmt::format(
      "has the host {}, which is not a numeric address: names are not looked up (but localhost is known)",
      quoted(parts.host));
}

Addresses inet_address(std::string_view text, SocketKind kind, std::string_view rest) {
  auto parts = split_host(rest);
  if (!parts) return refused(text, parts.error());
  if (!is_port(parts->port))
    return refused(text, fmt::format("has the port {}: 0 to 65535 are ports", quoted(parts->port)));
  Address address{.kind = kind, .host = parts->host, .text = std::string(text)};
  std::from_chars(parts->port.data(), parts->port.data() + parts->port.size(), address.port);
  if (parts->host == "localhost" && !parts->bracketed) {
    address.host = "127.0.0.1";
    Address second = address;
    second.host = "::1";
    second.if_available = true;
    return std::vector{address, second};
  }
  bool good =
      parts->bracketed ? is_scoped_ipv6_text(parts->host) : parts->host.empty() || is_ipv4_text(parts->host);
  if (!good) return refused(text, host_reason(*parts));
  return std::vector{address};
}

}  // namespace

std::expected<std::vector<Address>, std::string> parse_address(std::string_view text,
                                                               std::string_view folder) {
  for (const auto& scheme : kSchemes) {
    if (!text.starts_with(scheme.prefix)) continue;
    auto rest = text.substr(scheme.prefix.size());
    return is_unix(scheme.kind) ? unix_address(text, scheme.kind, rest, folder)
                                : inet_address(text, scheme.kind, rest);
  }
  return no_scheme(text, folder);
}

bool same_socket(const Address& a, const Address& b) {
  const auto host = [](const Address& address) { return address.host == "::" ? "" : std::string_view(address.host); };
  return a.kind == b.kind && host(a) == host(b) && a.port == b.port && a.path == b.path && a.abstract == b.abstract;
}

std::string text_of(const Address& address) {
  auto scheme = std::find_if(kSchemes.begin(), kSchemes.end(),
                             [&address](const Scheme& known) { return known.kind == address.kind; });
  if (is_unix(address.kind))
    return fmt::format("{}{}{}", scheme->prefix, address.abstract ? "@" : "", address.path);
  auto host = is_ipv6(address) ? fmt::format("[{}]", address.host) : address.host;
  return fmt::format("{}{}:{}", scheme->prefix, host, address.port);
}

bool is_ipv6(const Address& address) {
  return !is_unix(address.kind) && address.host.find(':') != std::string::npos;
}

}  // namespace liveswap::config
