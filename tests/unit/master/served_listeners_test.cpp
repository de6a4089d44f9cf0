// Goal: other programs get what the file lets them have, the same socket each time, and keep it.
#include "master/served_listeners.hpp"

#include "listeners_world.hpp"

namespace liveswap::master {
using namespace test;

namespace {

struct Served {
  core::MasterPlan planned;
  World world;
  std::vector<std::string> logged;
  Log log{core::LogLevel::info, core::LogFormat::text, [this](std::string_view line) { logged.emplace_back(line); }};
  ServedListeners served;

  explicit Served(std::vector<core::ListenerPlan> listeners, std::vector<core::Address> allow_bind = {},
                  std::vector<core::AppPlan> apps = {})
      : planned(with(plan(std::move(listeners), std::move(apps)), std::move(allow_bind))),
        world(planned),
        served(world.listeners, planned, log) {}

  static core::MasterPlan with(core::MasterPlan made, std::vector<core::Address> allow_bind) {
    made.serve.multibinder = core::MultibinderPlan{.socket = "/nowhere", .allow_bind = std::move(allow_bind)};
    return made;
  }
  std::string refusal(const std::string& host, std::uint16_t port) {
    const auto got = served.bind(host, port, std::nullopt);
    return got ? "bound" : got.error();
  }
};

ino_t inode_of(FdRef fd) {
  struct stat about {};
  REQUIRE(::fstat(fd.get(), &about) == 0);
  return about.st_ino;
}

std::uint16_t free_port() { return os::test::bound(os::test::loopback(), SOCK_STREAM).address.port(); }

}  // namespace

TEST_CASE("served: all sockets that accept streams, in the file's order, as the very same sockets") {
  const TempDir folder;
  core::SocketOptions lo;
  lo.interface = "lo";
  Served of({listener("b", {tcp("127.0.0.1"), tcp("127.0.0.2")}), listener("dns", {udp("127.0.0.1")}),
             listener("a", {unix_path(folder.path("a.sock"))}),
             listener("seq", {unix_path(folder.path("s.sock"), core::SocketKind::unix_seqpacket)}),
             listener("one", {tcp("127.0.0.1")}, lo)});
  const auto streams = must(of.served.streams());
  REQUIRE(streams.size() == 4);
  CHECK(inode_of(streams[0].fd) == inode_of(of.world.socket("b", 0).fd));
  CHECK(inode_of(streams[1].fd) == inode_of(of.world.socket("b", 1).fd));
  CHECK(inode_of(streams[2].fd) == inode_of(of.world.socket("a").fd));
  CHECK(inode_of(streams[3].fd) == inode_of(of.world.socket("one").fd));
  CHECK(streams[0].interface.empty());
  CHECK(streams[3].interface == "lo");
  CHECK(must(os::is_cloexec(streams[0].fd)));
}

TEST_CASE("served: what another program has shut down listens again before it is given on") {
  Served of({listener("http", {tcp("127.0.0.1")})});
  const auto first = must(of.served.streams());
  const auto address = must(os::local_address(first[0].fd));
  REQUIRE(::shutdown(first[0].fd.get(), SHUT_RD) == 0);
  CHECK(errno_of_client(address) == ECONNREFUSED);
  const auto second = must(of.served.streams());
  CHECK(errno_of_client(address) == 0);
  CHECK(lines(of.logged).contains("listener http"));
}

TEST_CASE("served: a listener of the file is bound by its address") {
  Served of({listener("http", {tcp("127.0.0.1")}), listener("all", {tcp("")})});
  const auto http = of.served.bind("127.0.0.1", of.world.socket("http").port, std::nullopt);
  REQUIRE(http);
  CHECK(inode_of(*http) == inode_of(of.world.socket("http").fd));
  const auto all = of.served.bind("::", of.world.socket("all").port, std::nullopt);
  REQUIRE(all);
  CHECK(inode_of(*all) == inode_of(of.world.socket("all").fd));
}

TEST_CASE("served: what allow_bind has is opened once, kept, and given again") {
  const std::uint16_t port = free_port();
  Served of({}, {tcp("127.0.0.1", port)});
  ino_t inode = 0;
  {
    const auto first = of.served.bind("127.0.0.1", port, 7);
    REQUIRE(first);
    inode = inode_of(*first);
    CHECK(must(os::accept_queue(*first)).backlog == 7U);
  }
  const auto second = of.served.bind("127.0.0.1", port, 100);
  REQUIRE(second);
  CHECK(inode_of(*second) == inode);
  CHECK(of.world.row("multibinder-" + std::to_string(port)).backlog == 7U);
  CHECK(errno_of_client(must(os::local_address(*second))) == 0);
}

TEST_CASE("served: other addresses are refused, and say why") {
  const std::uint16_t port = free_port();
  Served of({listener("http", {tcp("127.0.0.1")})}, {tcp("127.0.0.1", port)});
  CHECK(of.refusal("127.0.0.2", port) ==
        "tcp://127.0.0.2:" + std::to_string(port) +
            ": no listener has it, and serve.multibinder.allow_bind does not");
  CHECK(of.refusal("example.org", 80).contains("\"tcp://example.org:80\""));
  CHECK(of.refusal("", 0).contains("no listener has it"));
  const auto holder = os::test::listening(must(os::SocketAddress::ipv4("127.0.0.1", port)));
  CHECK(of.refusal("127.0.0.1", port).contains("Address already in use"));
}

TEST_CASE("served: whoever was given a socket keeps it when the listener is closed") {
  Served of({listener("http", {tcp("127.0.0.1")})}, {}, {app("web", {"http"})});
  const auto streams = must(of.served.streams());
  const auto address = must(os::local_address(streams[0].fd));
  of.world.listeners.close(app_id(1));
  CHECK(of.world.open_sockets("http") == 0);
  CHECK(errno_of_client(address) == 0);
  CHECK(must(of.served.streams()).empty());
  CHECK(of.refusal("127.0.0.1", address.port()).contains("no listener has it"));
}

}  // namespace liveswap::master
