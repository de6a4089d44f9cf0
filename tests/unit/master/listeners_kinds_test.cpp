// Goal: every kind of address of a plan becomes the socket that the file's author meant, with its options.
#include <netinet/tcp.h>

#include "listeners_world.hpp"
#include "master/listener_socket.hpp"

namespace liveswap::master {
using namespace test;
using namespace std::chrono_literals;

namespace {

int option_of(const BoundSocket& socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(socket.fd.get(), level, name, &value, &size) == 0);
  return value;
}

bool has_ipv6_loopback() { return os::test::loopbacks().size() == 2; }

std::string port_text(const BoundSocket& socket) { return std::to_string(socket.port); }

}  // namespace

TEST_CASE("every kind of address accepts what is sent to it") {
  const TempDir dir;
  const std::string bus = "liveswap-test-" + std::to_string(::getpid());
  constexpr auto kDgram = core::SocketKind::unix_dgram;
  constexpr auto kSeqpacket = core::SocketKind::unix_seqpacket;
  const World world(plan({
      listener("v4", {tcp("127.0.0.1")}),
      listener("udp", {udp("127.0.0.1")}),
      listener("stream", {unix_path(dir.path("stream"))}),
      listener("dgram", {unix_path(dir.path("dgram"), kDgram)}),
      listener("seqpacket", {unix_path(dir.path("seqpacket"), kSeqpacket)}),
      listener("bus", {unix_abstract(bus, kSeqpacket)}),
  }));
  for (const char* name : {"v4", "stream", "seqpacket", "bus"}) {
    CAPTURE(name);
    const BoundSocket socket = world.socket(name);
    const OwnedFd client = client_of(address_of(socket), type_of(socket.kind));
    REQUIRE(client.valid());
    CHECK(accept_from(socket).valid());
  }
  for (const char* name : {"udp", "dgram"}) {
    CAPTURE(name);
    const BoundSocket socket = world.socket(name);
    const OwnedFd client = client_of(address_of(socket), SOCK_DGRAM);
    REQUIRE(::send(client.get(), "hello", 5, 0) == 5);
    char buffer[16];
    CHECK(::recv(socket.fd.get(), buffer, sizeof buffer, 0) == 5);
  }
  CHECK(world.socket("v4").host == "127.0.0.1");
  CHECK(address_of(world.socket("v4")).text() == "127.0.0.1:" + port_text(world.socket("v4")));
  CHECK(world.socket("stream").host == dir.path("stream"));
  CHECK(world.socket("bus").host == "@" + bus);
  CHECK(world.socket("bus").port == 0);
}

TEST_CASE("sockets come in the order of the names asked for, and of each listener's addresses") {
  const World world(
      plan({listener("a", {tcp("127.0.0.1"), udp("127.0.0.1")}), listener("b", {tcp("127.0.0.1")})}));
  const auto sockets = world.sockets({"b", "a"});
  REQUIRE(sockets.size() == 3);
  CHECK(sockets[0].listener == "b");
  CHECK(sockets[1].listener == "a");
  CHECK(sockets[1].index == 0);
  CHECK(sockets[1].kind == core::SocketKind::tcp);
  CHECK(sockets[2].index == 1);
  CHECK(sockets[2].kind == core::SocketKind::udp);
}

TEST_CASE("every socket is close-on-exec, and blocking unless its listener says nonblock") {
  const TempDir dir;
  const World world(plan({listener("plain", {tcp("127.0.0.1"), udp("127.0.0.1"), unix_path(dir.path("x"))}),
                          listener("nonblock", {tcp("127.0.0.1")}, {.nonblock = true})}));
  for (const BoundSocket& socket : world.sockets({"plain", "nonblock"})) {
    CAPTURE(socket.listener);
    CHECK(must(os::is_cloexec(socket.fd)));
    CHECK(must(os::is_nonblock(socket.fd)) == (socket.listener == "nonblock"));
  }
}

TEST_CASE("an empty host is one socket for both families") {
  const World world(plan({listener("http", {tcp("")})}));
  REQUIRE(world.open_sockets("http") == 1);
  const BoundSocket http = world.socket("http");
  CHECK(client_of(must(os::SocketAddress::ipv4("127.0.0.1", http.port))).valid());
  if (!has_ipv6_loopback()) return;
  CHECK(http.host == "::");
  CHECK(address_of(http).text() == "[::]:" + port_text(http));
  CHECK(client_of(must(os::SocketAddress::ipv6("::1", http.port))).valid());
}

TEST_CASE("v6only keeps IPv4 clients out, and its absence lets them in") {
  if (!has_ipv6_loopback()) {
    MESSAGE("skipped: no IPv6 loopback here");
    return;
  }
  const World world(plan({listener("only", {tcp("::")}, {.v6only = true}), listener("both", {tcp("::")})}));
  const auto v4 = [](const BoundSocket& socket) {
    return must(os::SocketAddress::ipv4("127.0.0.1", socket.port));
  };
  CHECK(errno_of_client(v4(world.socket("only"))) == ECONNREFUSED);
  CHECK(errno_of_client(v4(world.socket("both"))) == 0);
}

TEST_CASE("an address that may be missing is left out, and one that may not is an error") {
  const std::string nowhere = "198.51.100.77";  // of a net for documentation only
  const World world(plan({listener("http", {tcp("127.0.0.1"), if_available(tcp(nowhere))})}));
  CHECK(world.open_sockets("http") == 1);
  World strict;
  CHECK(strict.failures(plan({listener("http", {tcp(nowhere), tcp("127.0.0.1")})})) ==
        lines({"listener http: bind(198.51.100.77:0): Cannot assign requested address"}));
  World none;
  CHECK(none.failures(plan({listener("http", {if_available(tcp(nowhere))})})) ==
        lines({"listener http: this machine has none of its addresses"}));
}

TEST_CASE("addresses of one listener with port 0 share the port that the kernel chose") {
  const World world(plan({listener("dns", {tcp("127.0.0.1"), tcp("127.0.0.2"), udp("127.0.0.1")})}));
  const auto sockets = world.sockets({"dns"});
  REQUIRE(sockets.size() == 3);
  CHECK(sockets[0].port != 0);
  CHECK(sockets[1].port == sockets[0].port);
  CHECK(sockets[2].port == sockets[0].port);
  CHECK(world.row("dns", 1).port == sockets[0].port);
}

TEST_CASE("a fixed port stays its own beside a shared one") {
  const std::uint16_t free = os::test::bound(os::test::loopback(), SOCK_STREAM).address.port();
  const World world(plan({listener("http", {tcp("127.0.0.1", free), tcp("127.0.0.2")})}));
  CHECK(world.socket("http", 0).port == free);
  CHECK(world.socket("http", 1).port != free);
}

TEST_CASE("the backlog is the configured one, or as high as the kernel allows") {
  const TempDir dir;
  const World world(plan({listener("small", {tcp("127.0.0.1"), unix_path(dir.path("x"))}, {.backlog = 7}),
                          listener("default", {tcp("127.0.0.1")})}));
  CHECK(must(os::accept_queue(world.socket("small", 0).fd)).backlog == 7);
  CHECK(must(os::accept_queue(world.socket("small", 1).fd)).backlog == 7);
  CHECK(must(os::accept_queue(world.socket("default").fd)).backlog ==
        static_cast<std::uint32_t>(os::somaxconn()));
}

TEST_CASE("options are set on the sockets that they are for, and on no others") {
  const TempDir dir;
  const core::SocketOptions options{.reuseport = true,
                                    .freebind = true,
                                    .nodelay = true,
                                    .keepalive = true,
                                    .defer_accept = 3s,
                                    .rcvbuf = 50000,
                                    .sndbuf = 60000,
                                    .tos = 0x10};
  const World world(
      plan({listener("all", {tcp("127.0.0.1"), udp("127.0.0.1"), unix_path(dir.path("x"))}, options)}));
  const BoundSocket http = world.socket("all", 0);
  CHECK(option_of(http, SOL_SOCKET, SO_REUSEADDR) == 1);
  CHECK(option_of(http, SOL_SOCKET, SO_REUSEPORT) == 1);
  CHECK(option_of(http, IPPROTO_IP, IP_FREEBIND) == 1);
  CHECK(option_of(http, IPPROTO_TCP, TCP_NODELAY) == 1);
  CHECK(option_of(http, SOL_SOCKET, SO_KEEPALIVE) == 1);
  CHECK(option_of(http, IPPROTO_TCP, TCP_DEFER_ACCEPT) >= 3);
  CHECK(option_of(http, SOL_SOCKET, SO_RCVBUF) == 100000);
  CHECK(option_of(http, SOL_SOCKET, SO_SNDBUF) == 120000);
  CHECK(option_of(http, IPPROTO_IP, IP_TOS) == 0x10);
  const BoundSocket dns = world.socket("all", 1);
  CHECK(option_of(dns, SOL_SOCKET, SO_REUSEADDR) == 0);
  CHECK(option_of(dns, SOL_SOCKET, SO_REUSEPORT) == 1);
  CHECK(option_of(world.socket("all", 2), SOL_SOCKET, SO_RCVBUF) == 100000);
}

TEST_CASE("connections inherit nodelay") {
  const World world(plan({listener("http", {tcp("127.0.0.1")}, {.nodelay = true})}));
  const OwnedFd client = client_of(address_of(world.socket("http")));
  BoundSocket accepted = world.socket("http");
  const OwnedFd connection = accept_from(accepted);
  accepted.fd = connection;
  CHECK(option_of(accepted, IPPROTO_TCP, TCP_NODELAY) == 1);
}

TEST_CASE("fastopen gets its queue") {
  const World world(plan({listener("http", {tcp("127.0.0.1")}, {.fastopen = 16})}));
  CHECK(option_of(world.socket("http"), IPPROTO_TCP, TCP_FASTOPEN) == 16);
}

TEST_CASE("freebind binds an address that the machine does not have") {
  const World world(plan({listener("http", {tcp("198.51.100.77")}, {.freebind = true})}));
  const BoundSocket http = world.socket("http");
  CHECK(http.host == "198.51.100.77");
  CHECK(address_of(http).text() == "198.51.100.77:" + port_text(http));
}

TEST_CASE("options that need rights work with them") {
  if (!is_root()) {
    MESSAGE("skipped: needs root");
    return;
  }
  const World world(
      plan({listener("http", {tcp("127.0.0.1")}, {.transparent = true, .mark = 42, .interface = "lo"})}));
  CHECK(option_of(world.socket("http"), SOL_SOCKET, SO_MARK) == 42);
  CHECK(option_of(world.socket("http"), IPPROTO_IP, IP_TRANSPARENT) == 1);
  char device[16] = {};
  socklen_t size = sizeof device;
  REQUIRE(::getsockopt(world.socket("http").fd.get(), SOL_SOCKET, SO_BINDTODEVICE, device, &size) == 0);
  CHECK(std::string(device) == "lo");
}

TEST_CASE("two listeners with reuseport share a port") {
  const World first(plan({listener("http", {tcp("127.0.0.1")}, {.reuseport = true})}));
  const std::uint16_t port = first.socket("http").port;
  const World second(plan({listener("http", {tcp("127.0.0.1", port)}, {.reuseport = true})}));
  CHECK(second.socket("http").port == port);
}

TEST_CASE("a port whose connections have just ended can be bound again") {
  std::uint16_t port = 0;
  {
    const World world(plan({listener("http", {tcp("127.0.0.1")})}));
    port = world.socket("http").port;
    OwnedFd client = client_of(address_of(world.socket("http")));
    OwnedFd connection = accept_from(world.socket("http"));
    connection.reset();  // this end closes first, so it is this end that waits
    char byte = 0;
    REQUIRE(::read(client.get(), &byte, 1) == 0);
  }
  const World again(plan({listener("http", {tcp("127.0.0.1", port)})}));
  CHECK(again.socket("http").port == port);
}

}  // namespace liveswap::master
