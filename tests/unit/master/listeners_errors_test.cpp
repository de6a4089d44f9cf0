// Goal: what cannot be bound is told with listener, address, step, errno's text and who is in the way, and
// leaves nothing behind. Method: whole messages, and counted descriptors.
#include <sys/resource.h>

#include "listeners_world.hpp"

namespace liveswap::master {
using namespace test;

namespace {

std::string held_by_us() { return ": held by PID " + std::to_string(::getpid()) + " (unit_master)"; }

os::test::Listener somebody_on(const char* host, int type = SOCK_STREAM) {
  const auto address = must(os::SocketAddress::ipv4(host, 0));
  return type == SOCK_STREAM ? os::test::listening(address) : os::test::bound(address, type);
}

}  // namespace

TEST_CASE("a port taken names the address and who holds it") {
  const auto tcp_holder = somebody_on("127.0.0.1");
  const auto udp_holder = somebody_on("127.0.0.1", SOCK_DGRAM);
  World world;
  const std::uint16_t tcp_port = tcp_holder.address.port();
  const std::uint16_t udp_port = udp_holder.address.port();
  CHECK(world.failures(plan({listener("http", {tcp("127.0.0.1", tcp_port)}),
                             listener("dns", {udp("127.0.0.1", udp_port)})})) ==
        lines({"listener http: bind(127.0.0.1:" + std::to_string(tcp_port) + "): Address already in use" +
                   held_by_us(),
               "listener dns: bind(127.0.0.1:" + std::to_string(udp_port) + "): Address already in use" +
                   held_by_us()}));
}

TEST_CASE("a port taken by a socket for all addresses names that one's holder") {
  const auto holder = somebody_on("0.0.0.0");
  const std::uint16_t port = holder.address.port();
  World world;
  CHECK(world.failures(plan({listener("http", {tcp("127.0.0.1", port)})})) ==
        lines({"listener http: bind(127.0.0.1:" + std::to_string(port) + "): Address already in use" +
               held_by_us()}));
}

TEST_CASE("an abstract name taken names who holds it") {
  const std::string name = "liveswap-taken-" + std::to_string(::getpid());
  const World first(plan({listener("bus", {unix_abstract(name)})}));
  World second;
  CHECK(second.failures(plan({listener("bus", {unix_abstract(name)})})) ==
        lines({"listener bus: bind(@" + name + "): Address already in use" + held_by_us()}));
}

TEST_CASE("a port that needs rights is refused without them") {
  if (!is_root()) {
    MESSAGE("skipped: starts as root");
    return;
  }
  World world;
  const Unprivileged unprivileged;
  const auto failures = world.failures(plan({listener("http", {tcp("127.0.0.1", 1)})}));
  if (failures.empty()) {
    MESSAGE("skipped: net.ipv4.ip_unprivileged_port_start is 0 here");
    return;
  }
  CHECK(failures == "listener http: bind(127.0.0.1:1): Permission denied\n");
}

TEST_CASE("an option refused names the listener, the address and the option") {
  World world;
  CHECK(world.failures(plan({listener("http", {tcp("127.0.0.1")}, {.interface = "no-such-dev"})})) ==
        lines({"listener http: 127.0.0.1:0: setsockopt SO_BINDTODEVICE(no-such-dev): No such device"}));
  if (!is_root()) return;
  World weak;
  const Unprivileged unprivileged;
  CHECK(weak.failures(plan({listener("http", {tcp("127.0.0.1")}, {.mark = 1})})) ==
        lines({"listener http: 127.0.0.1:0: setsockopt SO_MARK: Operation not permitted"}));
}

TEST_CASE("a host that is no address is refused") {
  World world;
  CHECK(world.failures(plan({listener("http", {tcp("localhost", 80)})})) ==
        lines({"listener http: \"localhost\" is no IPv4 address"}));
}

TEST_CASE("all failures are told, and what was bound is closed and its files are gone") {
  const TempDir dir;
  const auto holder = somebody_on("127.0.0.1");
  const std::size_t before = os::test::count_own_fds();
  {
    World world;
    const std::size_t with_loop = os::test::count_own_fds();
    const auto failures = world.failures(plan({
        listener("good", {unix_path(dir.path("good")), tcp("127.0.0.1")}),
        listener("taken", {unix_path(dir.path("half")), tcp("127.0.0.1", holder.address.port())}),
        listener("lost", {unix_path(dir.path("no/x"))}),
    }));
    CHECK(std::ranges::count(failures, '\n') == 2);
    CHECK(failures.starts_with("listener taken: "));
    CHECK(failures.contains("\nlistener lost: "));
    CHECK(os::test::count_own_fds() == with_loop);
    CHECK(std::filesystem::is_empty(dir.path()));
    CHECK(world.sockets({"good"}).empty());
    CHECK(world.listeners.rows().empty());
  }
  CHECK(os::test::count_own_fds() == before);
}

TEST_CASE("a shared port that somebody has at the second address is chosen again") {
  // For bind() the kernel chooses odd ports of its range first. Half of those are taken at 127.0.0.3 here, so
  // of 20 choices some are bad.
  constexpr rlim_t kSockets = 9000;
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit enough = before;
  enough.rlim_cur = std::max(before.rlim_cur, std::min(before.rlim_max, kSockets));
  if (enough.rlim_cur < kSockets) {
    MESSAGE("skipped: needs 9000 descriptors");
    return;
  }
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &enough) == 0);
  std::vector<OwnedFd> held;
  for (std::uint16_t port = 32769; port < 60999; port = static_cast<std::uint16_t>(port + 4)) {
    OwnedFd socket = must(os::open_socket(AF_INET, SOCK_STREAM));
    if (os::bind_socket(socket, must(os::SocketAddress::ipv4("127.0.0.3", port))))
      held.push_back(std::move(socket));
  }
  for (int round = 0; round < 20; ++round) {
    const World world(plan({listener("http", {tcp("127.0.0.1"), tcp("127.0.0.3")})}));
    CHECK(world.socket("http", 0).port == world.socket("http", 1).port);
  }
  held.clear();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

}  // namespace liveswap::master
