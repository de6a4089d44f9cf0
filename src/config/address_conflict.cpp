// Which two addresses the kernel refuses to bind beside each other, by its rules for sockets that listen.
#include <arpa/inet.h>

#include <array>
#include <cstring>
#include <string>

#include "config/address.hpp"

namespace liveswap::config {

namespace {

using core::Address;

// An address as the kernel compares it: IPv4 is a corner of IPv6.
struct Reach {
  in6_addr address{};
  std::string scope;
  bool v4 = true;  // answers to IPv4
  bool v6 = true;  // answers to IPv6
  bool any = true;
};

Reach reach_of(const Claim& claim) {
  Reach reach;
  const auto& host = claim.address.host;
  if (host.empty()) return reach;  // the dual-stack socket
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    reach.v6 = false;
    reach.any = v4.s_addr == 0;
    reach.address.s6_addr[10] = reach.address.s6_addr[11] = 0xFF;
    std::memcpy(&reach.address.s6_addr[12], &v4, sizeof v4);
    return reach;
  }
  auto percent = host.find('%');
  if (percent != std::string::npos) reach.scope = host.substr(percent);
  inet_pton(AF_INET6, host.substr(0, percent).c_str(), &reach.address);
  reach.any = IN6_IS_ADDR_UNSPECIFIED(&reach.address);
  bool mapped = IN6_IS_ADDR_V4MAPPED(&reach.address);
  reach.v4 = mapped || (reach.any && !claim.options.v6only);
  reach.v6 = !mapped;
  return reach;
}

bool same_address(const Reach& a, const Reach& b) {
  return std::memcmp(&a.address, &b.address, sizeof a.address) == 0 && a.scope == b.scope;
}

std::string inet_conflict(const Claim& one, const Claim& other) {
  if (one.address.kind != other.address.kind || one.address.port != other.address.port ||
      one.address.port == 0)
    return "";
  const auto& interface = one.options.interface;
  if (!interface.empty() && !other.options.interface.empty() && interface != other.options.interface)
    return "";
  auto a = reach_of(one), b = reach_of(other);
  if (!(a.v4 && b.v4) && !(a.v6 && b.v6)) return "";
  if (a.any && b.any && (a.v4 != b.v4 || a.v6 != b.v6)) {
    return "one of them answers to IPv4 and IPv6: write 0.0.0.0, and [::] with v6only: true, to keep them "
           "apart";
  }
  if ((a.any && b.any) || (!a.any && !b.any && same_address(a, b))) return "it is the same address";
  if (!a.any && !b.any) return "";
  // Both with SO_REUSEPORT: the kernel takes them, and the closer address wins.
  if (one.options.reuseport && other.options.reuseport) return "";
  return "one of them is for all addresses and takes the port of the other";
}

}  // namespace

std::string conflict(const Claim& one, const Claim& other) {
  if (is_unix(one.address.kind) != is_unix(other.address.kind)) return "";
  if (!is_unix(one.address.kind)) return inet_conflict(one, other);
  // Paths are one name space for all kinds; abstract names are one for each kind.
  if (one.address.abstract != other.address.abstract || one.address.path != other.address.path) return "";
  return !one.address.abstract || one.address.kind == other.address.kind ? "it is the same address" : "";
}

}  // namespace liveswap::config
