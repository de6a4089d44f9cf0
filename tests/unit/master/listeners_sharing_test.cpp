// Goal: what operators (pause, resume) and workers do to a shared socket is done, undone, and told.
#include "listeners_world.hpp"
#include "os/socket_option.hpp"

namespace liveswap::master {
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr auto kWeb = core::AppId{1};

core::MasterPlan one_app(core::Address address, core::SocketOptions options = {}) {
  return plan({listener("http", {std::move(address)}, std::move(options))}, {app("web", {"http"})});
}

std::string about(const BoundSocket& socket, const std::string& change) {
  return "listener http: " + address_of(socket).text() + ": a worker " + change;
}

// Datagrams that have reached the socket.
int received(const BoundSocket& socket) {
  int count = 0;
  char buffer[16];
  while (::recv(socket.fd.get(), buffer, sizeof buffer, MSG_DONTWAIT) > 0) ++count;
  return count;
}

void send_one(const BoundSocket& socket) {
  const OwnedFd client = client_of(address_of(socket), SOCK_DGRAM);
  REQUIRE(::send(client.get(), "x", 1, 0) == 1);
}

}  // namespace

TEST_CASE(
    "a paused TCP listener keeps new clients waiting, serves what is queued, and lets them in when resumed") {
  if (!can_hold_back_tcp()) return;
  World world(one_app(tcp("127.0.0.1")));
  const BoundSocket http = world.socket("http");
  const OwnedFd queued = client_of(address_of(http));
  CHECK(world.listeners.pause("http") == true);
  CHECK(world.row("http").paused);
  const OwnedFd waiting = begin_connecting(address_of(http));
  CHECK(accept_from(http).valid());
  CHECK(!is_connected(waiting, 200));
  CHECK(world.row("http").queue == 0);
  CHECK(world.listeners.resume("http") == true);
  CHECK(!world.row("http").paused);
  CHECK(is_connected(waiting, 5000));
}

TEST_CASE("a paused UDP listener drops datagrams and counts them") {
  World world(one_app(udp("127.0.0.1")));
  const BoundSocket dns = world.socket("http");
  CHECK(world.row("http").dropped == 0);
  CHECK(world.listeners.pause("http") == true);
  send_one(dns);
  send_one(dns);
  CHECK(received(dns) == 0);
  CHECK(world.row("http").dropped == 2);
  CHECK(world.listeners.resume("http") == true);
  send_one(dns);
  CHECK(received(dns) == 1);
}

TEST_CASE("pausing twice is pausing once, and so is resuming") {
  if (!can_hold_back_tcp()) return;
  World world(one_app(tcp("127.0.0.1")));
  CHECK(world.listeners.resume("http") == false);
  CHECK(world.listeners.pause("http") == true);
  CHECK(world.listeners.pause("http") == false);
  CHECK(world.listeners.resume("http") == true);
  CHECK(world.listeners.resume("http") == false);
  CHECK(client_of(address_of(world.socket("http"))).valid());
}

TEST_CASE("a listener with a Unix socket cannot be paused") {
  const TempDir dir;
  World world(plan({listener("admin", {tcp("127.0.0.1"), unix_path(dir.path("x"))})}));
  CHECK(world.listeners.pause("admin").error() ==
        "listener admin: the clients of a Unix socket cannot be made to wait; pause is for tcp and udp");
  CHECK(world.listeners.pause("no-such").error() == "there is no listener no-such");
  CHECK(!world.row("admin").paused);
  CHECK(client_of(address_of(world.socket("admin"))).valid());
}

TEST_CASE("a TCP listener that we have no right to pause stays as it is") {
  if (!is_root()) {
    MESSAGE("skipped: starts as root");
    return;
  }
  World world(one_app(tcp("127.0.0.1")));
  const Unprivileged unprivileged;
  if (can_hold_back_tcp()) return;  // an older kernel
  const auto paused = world.listeners.pause("http");
  REQUIRE(!paused.has_value());
  CHECK(paused.error().starts_with("listener http: "));
  CHECK(paused.error().contains("CAP_NET_ADMIN"));
  CHECK(!world.row("http").paused);
  CHECK(client_of(address_of(world.socket("http"))).valid());
}

TEST_CASE("a pause outlives the stop and start of its app") {
  if (!can_hold_back_tcp()) return;
  World world(one_app(tcp("127.0.0.1")));
  CHECK(world.listeners.pause("http") == true);
  CHECK(world.listeners.quiesce(kWeb).empty());
  world.listeners.close(kWeb);
  CHECK(world.row("http").paused);
  world.listeners.start(kWeb);
  CHECK(world.row("http").paused);
  const OwnedFd waiting = begin_connecting(address_of(world.socket("http")));
  CHECK(!is_connected(waiting, 200));
  CHECK(world.listeners.resume("http") == true);
  CHECK(is_connected(waiting, 5000));
}

TEST_CASE("a pause outlives a stop that was taken back, and a resume during it waits for the start") {
  if (!can_hold_back_tcp()) return;
  World world(one_app(tcp("127.0.0.1")));
  const os::SocketAddress address = address_of(world.socket("http"));
  CHECK(world.listeners.pause("http") == true);
  CHECK(world.listeners.quiesce(kWeb).empty());
  world.listeners.start(kWeb);
  CHECK(!is_connected(begin_connecting(address), 100));
  CHECK(world.listeners.quiesce(kWeb).empty());
  CHECK(world.listeners.resume("http") == true);
  CHECK(!is_connected(begin_connecting(address), 100));
  world.listeners.start(kWeb);
  CHECK(is_connected(begin_connecting(address), 1000));
}

TEST_CASE("a pause of a closed listener holds once it is open") {
  World world(one_app(udp("127.0.0.1")));
  world.listeners.close(kWeb);
  CHECK(world.listeners.pause("http") == true);
  world.listeners.start(kWeb);
  send_one(world.socket("http"));
  CHECK(received(world.socket("http")) == 0);
}

TEST_CASE("a worker's small backlog is put back and told once") {
  const TempDir dir;
  for (const auto& address : {tcp("127.0.0.1"), unix_path(dir.path("x"))}) {
    World world(one_app(address, {.backlog = 100}));
    const BoundSocket socket = world.socket("http");
    CHECK(world.listeners.reassert(kWeb).empty());
    must(os::listen_on(socket.fd, 3));
    CHECK(lines(world.listeners.reassert(kWeb)) ==
          lines({about(socket, "had set its backlog to 3: put back to 100")}));
    CHECK(must(os::accept_queue(socket.fd)).backlog == 100);
    CHECK(world.listeners.reassert(kWeb).empty());
  }
}

TEST_CASE("a backlog above somaxconn is what the kernel makes of it, not a worker's change") {
  World world(one_app(tcp("127.0.0.1"), {.backlog = os::somaxconn() + 100}));
  CHECK(world.listeners.reassert(kWeb).empty());
}

TEST_CASE("a worker's O_NONBLOCK is told once per change and left as it is") {
  World world(one_app(udp("127.0.0.1")));
  const BoundSocket socket = world.socket("http");
  must(os::set_nonblock(socket.fd, true));
  CHECK(lines(world.listeners.reassert(kWeb)) ==
        lines({about(socket, "has made it non-blocking, for every worker that shares it (O_NONBLOCK)")}));
  CHECK(world.listeners.reassert(kWeb).empty());
  CHECK(must(os::is_nonblock(socket.fd)));
  must(os::set_nonblock(socket.fd, false));
  CHECK(lines(world.listeners.reassert(kWeb)) ==
        lines({about(socket, "has made it blocking, for every worker that shares it (O_NONBLOCK)")}));
}

TEST_CASE("a TCP socket that a worker has shut down listens again") {
  World world(one_app(tcp("127.0.0.1"), {.backlog = 100}));
  const BoundSocket http = world.socket("http");
  REQUIRE(::shutdown(http.fd.get(), SHUT_RD) == 0);
  REQUIRE(errno_of_client(address_of(http)) == ECONNREFUSED);
  CHECK(lines(world.listeners.reassert(kWeb)) ==
        lines({about(http, "had shut the socket down: it listens again")}));
  CHECK(client_of(address_of(http)).valid());
  CHECK(must(os::accept_queue(http.fd)).backlog == 100);
}

// Whoever shuts it down does so with a socket whose port the kernel has chosen; it must not choose again.
TEST_CASE("a port that the kernel chose stays when a worker shuts the socket down") {
  for (const auto& address : {tcp("127.0.0.1"), tcp("0.0.0.0"), if_available(tcp("::1")), tcp("")}) {
    World world(one_app(address));
    const BoundSocket http = world.socket("http");
    const os::SocketAddress before = address_of(http);
    REQUIRE(::shutdown(http.fd.get(), SHUT_RDWR) == 0);
    CHECK(address_of(http) == before);
    CHECK(lines(world.listeners.reassert(kWeb)) ==
          lines({about(http, "had shut the socket down: it listens again")}));
    CHECK(address_of(http) == before);
  }
}

TEST_CASE("a port that the kernel chose stays when a worker disconnects the socket, and is nobody else's") {
  World world(one_app(udp("127.0.0.1")));
  const BoundSocket socket = world.socket("http");
  const os::SocketAddress before = address_of(socket);
  const sockaddr nowhere{.sa_family = AF_UNSPEC, .sa_data = {}};
  REQUIRE(::connect(socket.fd.get(), &nowhere, sizeof nowhere) == 0);
  CHECK(address_of(socket) == before);
  const OwnedFd other = must(os::open_socket(AF_INET, SOCK_DGRAM));
  must(os::set_option(other, os::option::kReuseAddress, 1));
  CHECK(!os::bind_socket(other, before));
}

TEST_CASE("an address that is lost while a socket is shut down is told, until it is back") {
  World world(one_app(tcp("127.0.0.1")));
  const BoundSocket http = world.socket("http");
  REQUIRE(::shutdown(http.fd.get(), SHUT_RD) == 0);
  {
    const OwnedFd other = must(os::open_socket(AF_INET, SOCK_STREAM));
    must(os::set_option(other, os::option::kReuseAddress, 1));
    must(os::bind_socket(other, address_of(http)));
    must(os::listen_on(other, 1));
    const std::string told = lines(world.listeners.reassert(kWeb));
    CHECK(told.starts_with(about(http, "has shut the socket down, and its address is lost: listen")));
    CHECK(told.ends_with("; nobody can connect until it is free again\n"));
    CHECK(told.contains(": Address already in use: held by PID "));
    CHECK(world.listeners.reassert(kWeb).empty());
  }
  CHECK(lines(world.listeners.reassert(kWeb)) == lines({about(http, "had shut the socket down: it listens again")}));
}

TEST_CASE("a Unix socket that a worker has shut down is told") {
  const TempDir dir;
  World world(one_app(unix_path(dir.path("x"))));
  const BoundSocket socket = world.socket("http");
  REQUIRE(::shutdown(socket.fd.get(), SHUT_RD) == 0);
  CHECK(lines(world.listeners.reassert(kWeb)) ==
        lines({about(
            socket, "has shut the socket down: nobody can connect until its apps are stopped and started")}));
}

TEST_CASE("rows say what is bound, what waits, and who lists it") {
  const TempDir dir;
  World world(plan({listener("http", {tcp("127.0.0.1"), unix_path(dir.path("x"))}, {.backlog = 9}),
                    listener("dns", {udp("127.0.0.1")})},
                   {app("web", {"http", "dns"})}));
  const OwnedFd client = client_of(address_of(world.socket("http", 1)));
  const auto rows = world.listeners.rows();
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].name == "http");
  CHECK(rows[0].index == 0);
  CHECK(rows[0].kind == core::SocketKind::tcp);
  CHECK(rows[0].address == "127.0.0.1:" + std::to_string(rows[0].port));
  CHECK(rows[0].queue == 0);
  CHECK(rows[0].backlog == 9);
  CHECK(rows[0].open);
  CHECK(!rows[0].dropped);
  CHECK(rows[1].index == 1);
  CHECK(rows[1].address == dir.path("x"));
  CHECK(rows[1].queue == 1);
  CHECK(rows[2].name == "dns");
  CHECK(!rows[2].queue);
  CHECK(!rows[2].backlog);
  CHECK(rows[2].dropped == 0);
  CHECK(rows[2].apps == std::vector<std::string>{"web"});
}

TEST_CASE("rows of a closed listener show what it will be") {
  World world(
      plan({listener("http", {tcp("127.0.0.1"), unix_abstract("liveswap-rows")})}, {app("web", {"http"})}));
  const std::string address = address_of(world.socket("http")).text();
  world.listeners.close(kWeb);
  CHECK(world.row("http", 0).address == address);
  CHECK(world.row("http", 1).address == "@liveswap-rows");
  CHECK(!world.row("http", 1).open);
  CHECK(!world.row("http", 1).backlog);
}

}  // namespace liveswap::master
