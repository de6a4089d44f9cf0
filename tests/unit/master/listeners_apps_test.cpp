// Goal: a listener is open for exactly as long as an app that lists it is started, and what the kernel has
// let in before it is closed can be served.
#include "listeners_world.hpp"
#include "master/listener_socket.hpp"

namespace liveswap::master {
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr auto kWeb = core::AppId{1};
constexpr auto kApi = core::AppId{2};

core::MasterPlan one_app(std::vector<core::Address> addresses) {
  return plan({listener("http", std::move(addresses))}, {app("web", {"http"})});
}

core::MasterPlan two_apps() {
  return plan({listener("own", {tcp("127.0.0.1")}), listener("both", {tcp("127.0.0.1")}),
               listener("nobodys", {tcp("127.0.0.1")})},
              {app("web", {"own", "both"}), app("api", {"both"})});
}

// Where the kernel lets us, everything is held back.
void hold_back(World& world, core::AppId id) {
  const auto told = world.listeners.quiesce(id);
  if (is_root()) CHECK(lines(told) == "");
}

bool is_let_in(const BoundSocket& socket) {
  const OwnedFd client = begin_connecting(address_of(socket));
  return is_connected(client, 100);
}

std::string byte_from(FdRef socket) {
  char byte = 0;
  return ::read(socket.get(), &byte, 1) == 1 ? std::string(1, byte) : std::string();
}

}  // namespace

TEST_CASE("an app that stops closes the listeners that only it lists") {
  World world(two_apps());
  hold_back(world, kWeb);
  REQUIRE(world.wait_for_post());
  CHECK(world.last<core::ListenersQuiet>()->app == kWeb);
  world.listeners.close(kWeb);
  CHECK(world.open_sockets("own") == 0);
  CHECK(world.open_sockets("both") == 1);
  CHECK(world.open_sockets("nobodys") == 1);
  CHECK(!world.row("own").open);
  CHECK(world.row("own").apps == std::vector<std::string>{"web"});
  CHECK(world.row("both").apps == std::vector<std::string>{"web", "api"});
  hold_back(world, kApi);
  REQUIRE(world.wait_for_post());
  world.listeners.close(kApi);
  CHECK(world.open_sockets("both") == 0);
  CHECK(world.open_sockets("nobodys") == 1);
}

TEST_CASE("a shared listener is held back only when the last of its apps stops") {
  if (!can_hold_back_tcp()) return;
  World world(two_apps());
  hold_back(world, kWeb);
  CHECK(!is_let_in(world.socket("own")));
  CHECK(is_let_in(world.socket("both")));
  hold_back(world, kApi);
  CHECK(!is_let_in(world.socket("both")));
}

TEST_CASE("a shared listener stays open for the app that still drains, whichever it is") {
  for (const auto& [first, second] : {std::pair{kWeb, kApi}, {kApi, kWeb}}) {
    World world(two_apps());
    hold_back(world, first);
    hold_back(world, second);
    world.listeners.close(first);
    CHECK(world.open_sockets("both") == 1);
    world.listeners.close(second);
    CHECK(world.open_sockets("both") == 0);
  }
}

TEST_CASE("with nothing to hold back an app is quiet at once") {
  World world(plan({listener("both", {tcp("127.0.0.1")})}, {app("web", {"both"}), app("api", {"both"})}));
  hold_back(world, kWeb);
  REQUIRE(world.posted.size() == 1);
  CHECK(world.last<core::ListenersQuiet>()->app == kWeb);
}

TEST_CASE("an app is quiet only when its queues have been empty for a moment") {
  World world(one_app({tcp("127.0.0.1")}));
  const BoundSocket http = world.socket("http");
  OwnedFd client = client_of(address_of(http));
  hold_back(world, kWeb);
  CHECK(!world.wait_for_post(300ms));
  const OwnedFd connection = accept_from(http);
  const auto emptied = world.loop.now();
  REQUIRE(world.wait_for_post());
  CHECK(world.last<core::ListenersQuiet>()->app == kWeb);
  CHECK(world.loop.now() - emptied >= 45ms);
  CHECK(!world.wait_for_post(200ms));  // told once
  REQUIRE(::write(connection.get(), "x", 1) == 1);
  CHECK(byte_from(client) == "x");
}

TEST_CASE("what waits is seen on every kind of socket") {
  const TempDir dir;
  constexpr auto kDgram = core::SocketKind::unix_dgram;
  constexpr auto kSeqpacket = core::SocketKind::unix_seqpacket;
  for (const auto& address : {tcp("127.0.0.1"), udp("127.0.0.1"), unix_path(dir.path("a")),
                              unix_path(dir.path("b"), kDgram), unix_path(dir.path("c"), kSeqpacket)}) {
    World world(one_app({address}));
    const BoundSocket socket = world.socket("http");
    CAPTURE(socket.listener);
    const int type = type_of(address.kind);
    const OwnedFd client = client_of(address_of(socket), type);
    if (type == SOCK_DGRAM) REQUIRE(::send(client.get(), "x", 1, 0) == 1);
    hold_back(world, kWeb);
    CHECK(!world.wait_for_post(150ms));
    if (type == SOCK_DGRAM) {
      CHECK(byte_from(socket.fd) == "x");
    } else {
      static_cast<void>(accept_from(socket));
    }
    CHECK(world.wait_for_post());
  }
}

TEST_CASE("clients that come while an app stops get through when it starts again") {
  if (!can_hold_back_tcp()) return;
  World world(one_app({tcp("127.0.0.1")}));
  const BoundSocket http = world.socket("http");
  hold_back(world, kWeb);
  const OwnedFd waiting = begin_connecting(address_of(http));
  CHECK(!is_connected(waiting, 100));
  world.listeners.start(kWeb);
  CHECK(world.last<core::ListenersOpened>()->app == kWeb);
  CHECK(is_connected(waiting, 5000));  // its SYN is sent again after a second
  CHECK(world.socket("http").fd == http.fd);
  CHECK(!world.wait_for_post(150ms));  // no ListenersQuiet any more
}

TEST_CASE("datagrams that come while an app stops do not keep its queue from running empty") {
  World world(one_app({udp("127.0.0.1")}));
  hold_back(world, kWeb);
  const OwnedFd client = client_of(address_of(world.socket("http")), SOCK_DGRAM);
  REQUIRE(::send(client.get(), "x", 1, 0) == 1);
  REQUIRE(world.wait_for_post());
  CHECK(world.row("http").dropped == 1);
}

TEST_CASE("a Unix path is out of sight while its app stops, and what was let in is served") {
  const TempDir dir;
  for (const auto kind : {core::SocketKind::unix_stream, core::SocketKind::unix_seqpacket}) {
    World world(one_app({unix_path(dir.path("x"), kind)}));
    const BoundSocket socket = world.socket("http");
    const int type = type_of(kind);
    const os::SocketAddress address = address_of(socket);
    const OwnedFd client = client_of(address, type);
    hold_back(world, kWeb);
    CHECK(errno_of_client(address, type) == ENOENT);
    const OwnedFd connection = accept_from(socket);
    REQUIRE(::write(connection.get(), "x", 1) == 1);
    CHECK(byte_from(client) == "x");
    SUBCASE("started again, it is back") {
      world.listeners.start(kWeb);
      CHECK(client_of(address, type).valid());
    }
    SUBCASE("closed, it is gone") {
      world.listeners.close(kWeb);
      CHECK(std::filesystem::is_empty(dir.path()));
    }
  }
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("what cannot be held back takes as few clients as possible while its app stops") {
  const std::string name = "liveswap-few-" + std::to_string(::getpid());
  World world(plan({listener("http", {tcp("127.0.0.1"), unix_abstract(name)}, {.backlog = 50})},
                   {app("web", {"http"})}));
  const std::size_t tcp_is_held = can_hold_back_tcp() ? 1 : 0;
  const auto told = world.listeners.quiesce(kWeb);
  REQUIRE(told.size() == 2 - tcp_is_held);
  CHECK(told.back() == "listener http: clients that come while its app stops may be reset: @" + name +
                           ": an abstract name cannot be hidden");
  CHECK(must(os::accept_queue(world.socket("http", 1).fd)).backlog == 0);
  CHECK(must(os::accept_queue(world.socket("http", 0).fd)).backlog == (tcp_is_held ? 50 : 0));
  CHECK(world.listeners.quiesce(kWeb).empty());  // told once
  CHECK(world.listeners.reassert(kWeb).empty());
  world.listeners.start(kWeb);
  CHECK(world.last<core::ListenersOpened>() != nullptr);
  CHECK(must(os::accept_queue(world.socket("http", 0).fd)).backlog == 50);
  CHECK(must(os::accept_queue(world.socket("http", 1).fd)).backlog == 50);
}

TEST_CASE("an app whose Unix path was taken while it stopped cannot start, and takes nothing away") {
  const TempDir dir;
  World world(one_app({unix_path(dir.path("x"))}));
  hold_back(world, kWeb);
  const auto other = os::test::listening(must(os::SocketAddress::unix_path(dir.path("x"))));
  world.listeners.start(kWeb);
  REQUIRE(world.last<core::ListenersFailed>() != nullptr);
  CHECK(world.last<core::ListenersFailed>()->text ==
        "listener http: rename(" + dir.path("x") + "): File exists");
  CHECK(client_of(other.address).valid());
  CHECK(world.open_sockets("http") == 0);
}

TEST_CASE("an app that starts again binds its listeners again, on the ports that the kernel had chosen") {
  const TempDir dir;
  World world(one_app({tcp("127.0.0.1"), unix_path(dir.path("x"))}));
  const std::uint16_t port = world.socket("http").port;
  world.listeners.close(kWeb);
  CHECK(errno_of_client(must(os::SocketAddress::ipv4("127.0.0.1", port))) == ECONNREFUSED);
  CHECK(!exists(dir.path("x")));
  world.listeners.start(kWeb);
  CHECK(world.last<core::ListenersOpened>()->app == kWeb);
  REQUIRE(world.open_sockets("http") == 2);
  CHECK(world.socket("http", 0).port == port);
  CHECK(client_of(address_of(world.socket("http", 0))).valid());
  CHECK(client_of(address_of(world.socket("http", 1))).valid());
}

TEST_CASE("an app whose port was taken meanwhile cannot start, and has no half of its listeners") {
  const TempDir dir;
  const std::uint16_t port = os::test::bound(os::test::loopback(), SOCK_STREAM).address.port();
  World world(
      plan({listener("admin", {unix_path(dir.path("x"))}), listener("http", {tcp("127.0.0.1", port)})},
           {app("web", {"admin", "http"})}));
  world.listeners.close(kWeb);
  auto other = os::test::listening(must(os::SocketAddress::ipv4("127.0.0.1", port)));
  world.listeners.start(kWeb);
  REQUIRE(world.last<core::ListenersFailed>() != nullptr);
  CHECK(world.last<core::ListenersFailed>()->app == kWeb);
  CHECK(world.last<core::ListenersFailed>()->text == "listener http: bind(127.0.0.1:" + std::to_string(port) +
                                                         "): Address already in use: held by PID " +
                                                         std::to_string(::getpid()) + " (unit_master)");
  CHECK(world.sockets({"admin", "http"}).empty());
  CHECK(!exists(dir.path("x")));
  other.socket.reset();
  world.listeners.start(kWeb);
  CHECK(world.last<core::ListenersOpened>() != nullptr);
  CHECK(world.open_sockets("http") == 1);
}

TEST_CASE("a port that the kernel had chosen and somebody has taken since is an error") {
  World world(one_app({tcp("127.0.0.1"), tcp("127.0.0.2")}));
  const std::uint16_t port = world.socket("http").port;
  world.listeners.close(kWeb);
  const auto other = os::test::listening(must(os::SocketAddress::ipv4("127.0.0.2", port)));
  world.listeners.start(kWeb);
  REQUIRE(world.last<core::ListenersFailed>() != nullptr);
  CHECK(world.last<core::ListenersFailed>()->text.starts_with("listener http: bind(127.0.0.2:" +
                                                              std::to_string(port)));
}

TEST_CASE("a release that lists a closed listener gets it bound") {
  World world(two_apps());
  world.listeners.close(kWeb);
  REQUIRE(world.open_sockets("own") == 0);
  const std::vector<std::string> lists{"both", "own"};
  CHECK(world.listeners.also_lists(kApi, lists).has_value());
  CHECK(world.open_sockets("own") == 1);
  CHECK(world.row("own").apps == std::vector<std::string>{"web", "api"});
  world.listeners.close(kApi);
  CHECK(world.open_sockets("own") == 0);
}

TEST_CASE("a release that lists what cannot be had is refused and changes nothing") {
  const std::uint16_t port = os::test::bound(os::test::loopback(), SOCK_STREAM).address.port();
  World world(plan({listener("a", {tcp("127.0.0.1")}), listener("b", {tcp("127.0.0.1")}),
                    listener("c", {tcp("127.0.0.1", port)})},
                   {app("web", {"b", "c"}), app("api", {"a"})}));
  world.listeners.close(kWeb);
  const auto taken = os::test::listening(must(os::SocketAddress::ipv4("127.0.0.1", port)));
  const std::vector<std::string> unknown{"b", "no-such"};
  CHECK(world.listeners.also_lists(kApi, unknown).error() == "there is no listener no-such");
  const std::vector<std::string> lists{"b", "c"};
  CHECK(world.listeners.also_lists(kApi, lists).error().starts_with("listener c: bind(127.0.0.1:"));
  CHECK(world.sockets({"b", "c"}).empty());
  CHECK(world.row("b").apps == std::vector<std::string>{"web"});
}

TEST_CASE("a listener that an older release listed stays with its app until it stops") {
  World world(two_apps());
  const std::vector<std::string> fewer{"both"};
  CHECK(world.listeners.also_lists(kWeb, fewer).has_value());
  CHECK(world.open_sockets("own") == 1);
  world.listeners.close(kWeb);
  CHECK(world.open_sockets("own") == 0);
}

TEST_CASE("starting what is started changes nothing") {
  World world(two_apps());
  const FdRef before = world.socket("own").fd;
  world.listeners.start(kWeb);
  CHECK(world.last<core::ListenersOpened>() != nullptr);
  CHECK(world.socket("own").fd == before);
}

TEST_CASE("no descriptor is lost over many stops and starts") {
  const TempDir dir;
  World world(one_app({tcp("127.0.0.1"), udp("127.0.0.1"), unix_path(dir.path("x"))}));
  const std::size_t before = os::test::count_own_fds();
  for (int round = 0; round < 20; ++round) {
    hold_back(world, kWeb);
    world.listeners.close(kWeb);
    world.listeners.start(kWeb);
  }
  CHECK(os::test::count_own_fds() == before);
}

}  // namespace liveswap::master
