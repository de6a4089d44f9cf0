// Goal: of a steered listener every generation, or worker, has sockets of its own, and only the chosen ones get what is
// new; nobody who waits at one of them is forgotten.
#include <sys/socket.h>

#include "listeners_world.hpp"
#include "master/group_order.hpp"

namespace liveswap::master {
using namespace test;
using namespace std::chrono_literals;

namespace {

core::ListenerPlan steered(std::string name, core::Address address, core::Queues queues = core::Queues::one) {
  core::ListenerPlan made = listener(std::move(name), {std::move(address)});
  made.handoff = core::Handoff::steered;
  made.queues = queues;
  made.options.nonblock = true;
  return made;
}

core::Spawn worker(std::uint64_t id, std::uint64_t generation, core::Slot slot = 0) {
  return {core::WorkerId{id}, app_id(1), slot, core::GenerationId{generation}, core::ReleaseId{generation}};
}

struct SteeredWorld : World {
  explicit SteeredWorld(core::ListenerPlan listener) : World(plan({std::move(listener)}, {app("web", {"http"})})) {}

  BoundSocket given(const core::Spawn& worker, bool own_queue = false) {
    const auto sockets = listeners.sockets_for({worker, own_queue}, std::vector<std::string>{"http"});
    REQUIRE(sockets.has_value());
    REQUIRE(sockets->size() == 1);
    return sockets->front();
  }
  void steer(std::initializer_list<std::uint64_t> workers) {
    std::vector<core::WorkerId> ids;
    for (const std::uint64_t id : workers) ids.push_back(core::WorkerId{id});
    const auto done = listeners.steer(app_id(1), ids);
    REQUIRE(done.has_value());
  }
  bool starved(std::uint64_t id) { return listeners.starved(app_id(1), core::WorkerId{id}); }
  void left(std::uint64_t id) { listeners.left(core::WorkerId{id}); }
};

bool same(const BoundSocket& a, const BoundSocket& b) { return a.fd == b.fd; }

int accepted_from(const BoundSocket& socket) {
  int count = 0;
  while (must(os::accept_connection(socket.fd))) ++count;
  return count;
}

TEST_CASE("a side's file goes with it, though somebody still has the socket") {
  const TempDir dir;
  SteeredWorld world(steered("http", unix_path(dir.path("http.sock"))));
  const OwnedFd copy = must(os::dup_cloexec(world.given(worker(1, 1)).fd));  // as a count has one for a moment
  world.steer({1});
  CHECK(exists(dir.path("http.sock.0")));
  world.listeners.close(app_id(1));
  CHECK_FALSE(exists(dir.path("http.sock.0")));
  CHECK_FALSE(exists(dir.path("http.sock")));
}

std::vector<core::ListenerPlan> every_kind(const TempDir& dir) {
  std::vector<core::ListenerPlan> plans{steered("http", tcp("127.0.0.1")),
                                        steered("http", unix_path(dir.path("http.sock")))};
  if (os::test::loopbacks().size() == 2) {
    plans.push_back(steered("http", tcp("::1")));
    plans.push_back(steered("http", tcp("")));
  }
  return plans;
}

os::SocketAddress where(const SteeredWorld& world) {
  const BoundSocket socket = world.socket("http");
  if (is_unix(socket.kind)) return must(os::SocketAddress::unix_path(socket.host));
  if (socket.host.contains(':')) return must(os::SocketAddress::ipv6("::1", socket.port));
  return must(os::SocketAddress::ipv4("127.0.0.1", socket.port));
}

}  // namespace

TEST_CASE("new clients go to the generation that is chosen, and back") {
  const TempDir dir;
  for (const core::ListenerPlan& plan : every_kind(dir)) {
    CAPTURE(plan.addresses.front().host);
    SteeredWorld world(plan);
    const BoundSocket first = world.given(worker(1, 1)), beside = world.given(worker(2, 1, 1));
    CHECK(same(first, beside));
    CHECK(same(first, world.given(worker(1, 1))));
    world.steer({1, 2});
    const BoundSocket second = world.given(worker(3, 2));
    CHECK_FALSE(same(first, second));
    const auto address = where(world);
    const OwnedFd a = client_of(address);
    CHECK(accepted_from(second) == 0);
    CHECK(accepted_from(first) == 1);
    world.steer({3});
    const OwnedFd b = client_of(address);
    CHECK(accepted_from(first) == 0);
    CHECK(accepted_from(second) == 1);
    world.steer({1, 2});
    const OwnedFd c = client_of(address);
    CHECK(accepted_from(first) == 1);
  }
}

TEST_CASE("workers that shut their sockets down take no client along, however many they are") {
  SteeredWorld world(steered("http", tcp("127.0.0.1"), core::Queues::per_worker));
  const BoundSocket one = world.given(worker(1, 1)), two = world.given(worker(2, 1, 1));
  world.steer({1, 2});
  const BoundSocket next = world.given(worker(3, 2));
  world.steer({3});
  std::vector<OwnedFd> clients;
  const auto all_find_the_next = [&] {
    for (int i = 0; i < 20; ++i) clients.push_back(client_of(where(world)));
    return accepted_from(next) == 20;
  };
  REQUIRE(::shutdown(one.fd.get(), SHUT_RDWR) == 0);
  CHECK(all_find_the_next());
  REQUIRE(::shutdown(two.fd.get(), SHUT_RDWR) == 0);
  CHECK(all_find_the_next());
  (void)world.listeners.reassert(app_id(1));
  CHECK(all_find_the_next());
  world.left(1);
  world.left(2);
  const BoundSocket last = world.given(worker(4, 3));
  world.steer({4});
  CHECK(client_of(where(world)));
  CHECK(accepted_from(last) == 1);
}

TEST_CASE("a worker is starved when nobody waits at its own socket, or others accept there") {
  SteeredWorld world(steered("http", tcp("127.0.0.1")));
  const BoundSocket first = world.given(worker(1, 1));
  (void)world.given(worker(2, 1, 1));
  (void)world.given(worker(3, 2));
  world.steer({1, 2});
  CHECK(world.starved(1));  // 2 goes on
  world.steer({2});
  CHECK(world.starved(1));
  CHECK_FALSE(world.starved(2));
  const OwnedFd waiting = client_of(where(world));
  world.steer({3});
  CHECK_FALSE(world.starved(2));
  CHECK_FALSE(world.starved(1));
  CHECK(accepted_from(first) == 1);
  CHECK(world.starved(1));
  CHECK(world.starved(2));
}

TEST_CASE("per-worker: each has its own socket, and each gets clients") {
  SteeredWorld world(steered("http", tcp("127.0.0.1"), core::Queues::per_worker));
  const BoundSocket first = world.given(worker(1, 1)), second = world.given(worker(2, 1, 1));
  CHECK_FALSE(same(first, second));
  world.steer({1, 2});
  std::vector<OwnedFd> clients;
  for (int i = 0; i < 60; ++i) clients.push_back(client_of(where(world)));
  const int one = accepted_from(first), two = accepted_from(second);
  CHECK(one + two == 60);
  CHECK(one > 5);
  CHECK(two > 5);
  const ListenerRow row = world.row("http");
  REQUIRE(row.sides.size() == 2);
  CHECK(row.sides[0].chosen);
  CHECK(row.sides[1].workers == 1);
}

TEST_CASE("what waits at a worker that died is given to the next one") {
  SteeredWorld world(steered("http", tcp("127.0.0.1"), core::Queues::per_worker));
  const BoundSocket first = world.given(worker(1, 1)), second = world.given(worker(2, 1, 1));
  world.steer({1});
  const OwnedFd waiting = client_of(where(world));
  world.left(2);
  world.left(1);
  const BoundSocket third = world.given(worker(3, 2));
  CHECK(same(first, third));
  CHECK(accepted_from(third) == 1);
  CHECK(same(second, world.given(worker(4, 2, 1))));
  CHECK(world.row("http").sides.size() == 2);
}

TEST_CASE("a worker that is chosen before it has a socket gets clients once it has") {
  SteeredWorld world(steered("http", tcp("127.0.0.1")));
  world.steer({1});
  const BoundSocket first = world.given(worker(1, 1));
  const OwnedFd client = client_of(where(world));
  CHECK(accepted_from(first) == 1);
}

TEST_CASE("workers that are chosen get clients at a listener that is opened later, too") {
  SteeredWorld world(steered("http", tcp("127.0.0.1")));
  world.steer({1});
  REQUIRE(world.listeners.add_for(app_id(1), steered("later", tcp("127.0.0.1")), {}).has_value());
  const auto later = world.listeners.sockets_for({worker(1, 1)}, std::vector<std::string>{"later"});
  REQUIRE(later.has_value());
  const OwnedFd client = client_of(address_of(later->front()));
  CHECK(accepted_from(later->front()) == 1);
}

TEST_CASE("pausing a steered listener needs no rights: its clients wait") {
  SteeredWorld world(steered("http", tcp("127.0.0.1")));
  const BoundSocket first = world.given(worker(1, 1));
  world.steer({1});
  REQUIRE(world.listeners.pause("http").value_or(false));
  const OwnedFd client = begin_connecting(where(world));
  CHECK_FALSE(is_connected(client, 100));
  CHECK_FALSE(world.row("http").sides.front().chosen);
  world.steer({1});
  REQUIRE(world.listeners.resume("http").value_or(false));
  CHECK(is_connected(client, 10'000));
  CHECK(accepted_from(first) == 1);
}

TEST_CASE("a socket that a worker has shut down listens again, and clients find the right ones") {
  SteeredWorld world(steered("http", tcp("127.0.0.1")));
  const BoundSocket first = world.given(worker(1, 1)), second = world.given(worker(2, 2));
  const BoundSocket third = world.given(worker(3, 3));
  world.steer({3});
  REQUIRE(::shutdown(first.fd.get(), SHUT_RDWR) == 0);
  CHECK(lines(world.listeners.reassert(app_id(1))).contains("a worker had shut the socket down: it listens again"));
  for (const auto& [id, socket] : {std::pair(1, first), std::pair(2, second), std::pair(3, third)}) {
    world.steer({static_cast<std::uint64_t>(id)});
    const OwnedFd client = client_of(where(world));
    CHECK(accepted_from(socket) == 1);
  }
}

TEST_CASE("a socket that a leaving worker shut down and made listen again leads nobody astray when it is used again") {
  SteeredWorld world(steered("http", tcp("127.0.0.1")));
  const BoundSocket first = world.given(worker(1, 1)), second = world.given(worker(2, 2));
  world.steer({2});
  REQUIRE(::shutdown(first.fd.get(), SHUT_RDWR) == 0);
  REQUIRE(::listen(first.fd.get(), 7) == 0);
  const OwnedFd while_it_leaves = client_of(where(world));
  CHECK(accepted_from(second) == 1);
  world.left(1);
  const BoundSocket third = world.given(worker(3, 3));
  CHECK(same(first, third));
  for (const auto& [id, socket] : {std::pair(2, second), std::pair(3, third), std::pair(2, second)}) {
    world.steer({static_cast<std::uint64_t>(id)});
    const OwnedFd client = client_of(where(world));
    CHECK(accepted_from(socket) == 1);
  }
}

TEST_CASE("datagrams go to the generation that is chosen") {
  SteeredWorld world(steered("http", udp("127.0.0.1")));
  const BoundSocket first = world.given(worker(1, 1)), second = world.given(worker(2, 2));
  const auto send_and_count = [&](const BoundSocket& socket) {
    const OwnedFd sender = client_of(where(world), SOCK_DGRAM);
    REQUIRE(::send(sender.get(), "x", 1, 0) == 1);
    char buffer[4];
    return ::recv(socket.fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  };
  world.steer({1});
  CHECK(send_and_count(first) == 1);
  world.steer({2});
  CHECK(send_and_count(second) == 1);
}

TEST_CASE("two masters cannot share a steered address, and its port is free again after the end") {
  core::Address address = tcp("127.0.0.1");
  {
    SteeredWorld world(steered("http", address));
    (void)world.given(worker(1, 1));
    world.steer({1});
    address.port = world.socket("http").port;
    World second;
    CHECK(second.failures(plan({steered("http", address)})).contains("Address already in use"));
  }
  const World again(plan({steered("http", address)}));
}

TEST_CASE("a steered path leads to one socket at any time, and nothing of it is left") {
  const TempDir dir;
  const std::string path = dir.path("http.sock");
  {
    SteeredWorld world(steered("http", unix_path(path)));
    CHECK(errno_of_client(where(world)) == ECONNREFUSED);
    (void)world.given(worker(1, 1));
    world.steer({1});
    CHECK((stat_of(path).st_mode & 0777) == 0660);
    (void)world.given(worker(2, 2));
    CHECK(exists(path + ".1"));
    world.steer({2});
    CHECK(stat_of(path).st_ino == stat_of(path + ".1").st_ino);
    REQUIRE(::unlink(path.c_str()) == 0);  // as a program that tidies up does
    world.steer({1});
    CHECK(client_of(where(world)).valid());
    REQUIRE(::unlink(path.c_str()) == 0);
    leave_stale(path);
    std::vector<core::WorkerId> two{core::WorkerId{2}};
    CHECK(world.listeners.steer(app_id(1), two).error().contains("is not this listener's file any more"));
    REQUIRE(::unlink(path.c_str()) == 0);
    world.steer({2});
  }
  CHECK_FALSE(exists(path));
  CHECK_FALSE(exists(path + ".0"));
  CHECK_FALSE(exists(path + ".1"));
}

TEST_CASE("the order of a group's members is kept as the kernel keeps it") {
  GroupOrder order;
  for (const std::size_t member : {10U, 11U, 12U, 13U}) order.join(member);
  CHECK(order.number_of(12) == 2);
  CHECK(order.moves_with(11) == 13);
  CHECK_FALSE(order.moves_with(13).has_value());
  order.leave(11);
  CHECK(order.number_of(13) == 1);
  CHECK_FALSE(order.number_of(11).has_value());
  order.leave(99);
  order.leave(12);
  CHECK(order.number_of(13) == 1);
  CHECK(order.number_of(10) == 0);
}

}  // namespace liveswap::master
