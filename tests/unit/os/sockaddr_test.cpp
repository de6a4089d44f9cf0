#include "os/sockaddr.hpp"

#include "sockets.hpp"

namespace liveswap::os {
using namespace test;

TEST_CASE("addresses read back as they are written in URLs and logs") {
  CHECK(must(SocketAddress::ipv4("127.0.0.1", 80)).text() == "127.0.0.1:80");
  CHECK(must(SocketAddress::ipv6("::1", 65535)).text() == "[::1]:65535");
  CHECK(must(SocketAddress::ipv6("0:0:0:0:0:0:0:1", 1)).text() == "[::1]:1");
  CHECK(must(SocketAddress::ipv6("fe80::1%lo", 80)).text() == "[fe80::1%lo]:80");
  CHECK(must(SocketAddress::ipv6("fe80::1%1", 80)).text() == "[fe80::1%lo]:80");
  CHECK(must(SocketAddress::unix_path("/run/x.sock")).text() == "/run/x.sock");
  CHECK(must(SocketAddress::unix_abstract("bus")).text() == "@bus");
  CHECK(SocketAddress().text() == "(none)");
}

TEST_CASE("what is no address is refused with what was written") {
  CHECK(error_of(SocketAddress::ipv4("300.1.1.1", 80)) == "\"300.1.1.1\" is no IPv4 address");
  CHECK(error_of(SocketAddress::ipv4("::1", 80)) == "\"::1\" is no IPv4 address");
  CHECK(error_of(SocketAddress::ipv6("127.0.0.1", 80)) == "\"127.0.0.1\" is no IPv6 address");
  CHECK(error_of(SocketAddress::ipv6("", 80)) == "\"\" is no IPv6 address");
  CHECK(error_of(SocketAddress::ipv6("fe80::1%nope0", 80)) == "there is no network interface \"nope0\"");
  CHECK(error_of(SocketAddress::unix_path("")) ==
        "a unix socket's path must not be empty or hold a zero byte");
  CHECK(error_of(SocketAddress::unix_path(std::string_view("/a\0b", 4))) ==
        "a unix socket's path must not be empty or hold a zero byte");
  CHECK(error_of(SocketAddress::unix_abstract("")) == "an abstract unix socket's name must not be empty");
}

TEST_CASE("a unix name of 107 bytes is the longest") {
  const std::string longest = "/" + std::string(106, 'a');
  CHECK(must(SocketAddress::unix_path(longest)).text() == longest);
  CHECK(error_of(SocketAddress::unix_path(longest + "b")) ==
        "unix socket path \"" + longest + "b\" is 108 bytes long, and the kernel takes at most 107");
  CHECK(must(SocketAddress::unix_abstract(longest)).text() == "@" + longest);
  CHECK(error_of(SocketAddress::unix_abstract(longest + "b")) ==
        "abstract unix socket name \"" + longest + "b\" is 108 bytes long, and the kernel takes at most 107");
}

TEST_CASE("what is bound is equal to what the kernel tells of it") {
  const TempDir dir;
  const std::string path = dir.path("s");
  const std::string name = "liveswap-test-" + std::to_string(::getpid());
  for (const SocketAddress& address :
       {must(SocketAddress::unix_path(path)), must(SocketAddress::unix_abstract(name))}) {
    CAPTURE(address.text());
    const Listener listener = listening(address);
    CHECK(listener.address == address);
    CHECK(listener.address.text() == address.text());
  }
  const Listener tcp = listening(loopback());
  CHECK(tcp.address == must(SocketAddress::ipv4("127.0.0.1", tcp.address.port())));
  CHECK(tcp.address != loopback());
}

TEST_CASE("the parts of an address") {
  const SocketAddress any = must(SocketAddress::ipv6("::", 8080));
  CHECK(any.is_any_host());
  CHECK(any.port() == 8080);
  CHECK(any.host() == "::");
  CHECK(must(SocketAddress::ipv4("0.0.0.0", 1)).is_any_host());
  CHECK(!loopback().is_any_host());
  CHECK(loopback().host() == "127.0.0.1");
  const SocketAddress path = must(SocketAddress::unix_path("/x"));
  CHECK(path.port() == 0);
  CHECK(path.host().empty());
  CHECK(path.unix_name() == "/x");
  CHECK(!path.is_any_host());
  CHECK(any.unix_name().empty());
  const Pair pair = socket_pair(SOCK_STREAM);
  CHECK(must(local_address(pair.a)).text() == "(unnamed)");
}

}  // namespace liveswap::os
