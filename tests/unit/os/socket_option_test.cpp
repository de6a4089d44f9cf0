#include "os/socket_option.hpp"

#include "sockets.hpp"

namespace liveswap::os {
using namespace test;

TEST_CASE("every option that needs no privilege can be set and read back") {
  const OwnedFd tcp6 = must(open_socket(AF_INET6, SOCK_STREAM));
  for (const SocketOption& option :
       {option::kReuseAddress, option::kReusePort, option::kKeepalive, option::kV6Only, option::kNoDelay}) {
    CAPTURE(option.text);
    CHECK(must(get_option(tcp6, option)) == 0);
    must(set_option(tcp6, option, 1));
    CHECK(must(get_option(tcp6, option)) == 1);
  }
  must(set_option(tcp6, option::kDeferAccept, 5));
  CHECK(must(get_option(tcp6, option::kDeferAccept)) >= 5);  // rounded up to whole retransmissions
  must(set_option(tcp6, option::kFastOpen, 32));
  must(set_option(tcp6, option::kReceiveBuffer, 10'000));
  CHECK(must(get_option(tcp6, option::kReceiveBuffer)) == 20'000);
  must(set_option(tcp6, option::kSendBuffer, 10'000));
  CHECK(must(get_option(tcp6, option::kSendBuffer)) == 20'000);
}

TEST_CASE("the kernel tells family, type and whether a socket listens") {
  const Listener listener = bound(loopback(), SOCK_STREAM);
  CHECK(must(get_option(listener.socket, option::kDomain)) == AF_INET);
  CHECK(must(get_option(listener.socket, option::kType)) == SOCK_STREAM);
  CHECK(must(get_option(listener.socket, option::kListening)) == 0);
  must(listen_on(listener.socket, 1));
  CHECK(must(get_option(listener.socket, option::kListening)) == 1);
}

TEST_CASE("freebind lets a socket bind to an address that no interface has") {
  // 192.0.2.0/24 and 2001:db8::/32 are for documentation, and so nobody's
  for (const SocketAddress& address :
       {must(SocketAddress::ipv4("192.0.2.1", 0)), must(SocketAddress::ipv6("2001:db8::1", 0))}) {
    CAPTURE(address.text());
    const OwnedFd socket = must(open_socket(address.family(), SOCK_STREAM));
    CHECK(bind_socket(socket, address).error().code == EADDRNOTAVAIL);
    must(set_freebind(socket, true));
    must(bind_socket(socket, address));
  }
}

TEST_CASE("tos is set for IPv4, for IPv6 and for both on a dual-stack socket") {
  constexpr SocketOption kTos{IPPROTO_IP, IP_TOS, "IP_TOS"};
  constexpr SocketOption kClass{IPPROTO_IPV6, IPV6_TCLASS, "IPV6_TCLASS"};
  const OwnedFd v4 = must(open_socket(AF_INET, SOCK_STREAM));
  must(set_tos(v4, 0x10));
  CHECK(must(get_option(v4, kTos)) == 0x10);
  const OwnedFd dual = must(open_socket(AF_INET6, SOCK_STREAM));
  must(set_option(dual, option::kV6Only, 0));
  must(set_tos(dual, 0x10));
  CHECK(must(get_option(dual, kClass)) == 0x10);
  CHECK(must(get_option(dual, kTos)) == 0x10);
  const OwnedFd only = must(open_socket(AF_INET6, SOCK_STREAM));
  must(set_option(only, option::kV6Only, 1));
  must(set_tos(only, 0x10));
  CHECK(must(get_option(only, kClass)) == 0x10);
}

TEST_CASE("errors name the option") {
  const Pair pair = socket_pair(SOCK_STREAM);
  CHECK(error_of(set_option(pair.a, option::kNoDelay, 1)) ==
        "setsockopt TCP_NODELAY: Operation not supported");
  const OwnedFd udp = must(open_socket(AF_INET, SOCK_DGRAM));
  CHECK(error_of(set_option(udp, option::kV6Only, 1)) == "setsockopt IPV6_V6ONLY: Protocol not available");
  CHECK(error_of(bind_to_device(udp, "nope0")) == "setsockopt SO_BINDTODEVICE(nope0): No such device");
  CHECK(error_of(set_freebind(pair.a, true)) == "setsockopt IP_FREEBIND: Operation not supported");
}

TEST_CASE("an option that needs privilege is set, or refused with its name") {
  const OwnedFd tcp6 = must(open_socket(AF_INET6, SOCK_STREAM));
  const OwnedFd tcp = must(open_socket(AF_INET, SOCK_STREAM));
  const auto fine = [](const Result<void>& result, const std::string& name) {
    return result || error_of(result) == "setsockopt " + name + ": Operation not permitted";
  };
  CHECK(fine(set_option(tcp, option::kMark, 7), "SO_MARK"));
  CHECK(fine(set_transparent(tcp, true), "IP_TRANSPARENT"));
  CHECK(fine(set_transparent(tcp6, true), "IPV6_TRANSPARENT"));
  CHECK(fine(bind_to_device(tcp, "lo"), "SO_BINDTODEVICE(lo)"));
}

}  // namespace liveswap::os
