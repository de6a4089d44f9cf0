// Goal: the next master has the same listeners, on the same sockets, whatever they were about.
#include <sys/socket.h>

#include "kept_world.hpp"
#include "listeners_world.hpp"
#include "master/listeners_state.hpp"
#include "master/on_demand.hpp"

namespace liveswap::master {
using namespace test;
using namespace std::chrono_literals;

namespace {

// A master's listeners, and those of the master after it. The first are still there, as a process that was killed never
// closed anything.
struct TwoMasters {
  explicit TwoMasters(const core::MasterPlan& plan) {
    first.keeper.replace(kept.store());
    first.bind(plan);
  }
  void kill() {
    kept.leave_to(second.keeper);
    problems = second.listeners.restore(reread(first.listeners.save()));
    (void)second.keeper.drop_rest();
  }

  test::Kept kept;
  World first, second;
  std::vector<std::string> problems;
};

bool same_socket(FdRef a, FdRef b) {
  struct stat one {}, other {};
  REQUIRE(::fstat(a.get(), &one) == 0);
  REQUIRE(::fstat(b.get(), &other) == 0);
  return one.st_ino == other.st_ino;
}

core::ListenerPlan steered(core::Address address) {
  core::ListenerPlan made = listener("http", {std::move(address)});
  made.handoff = core::Handoff::steered;
  made.options.nonblock = true;
  return made;
}

core::Spawn worker(std::uint64_t id, std::uint64_t generation) {
  return {core::WorkerId{id}, app_id(1), 0, core::GenerationId{generation}, core::ReleaseId{generation}};
}

BoundSocket given(World& world, const core::Spawn& worker) {
  const auto sockets = world.listeners.sockets_for({worker}, std::vector<std::string>{"http"});
  REQUIRE(sockets.has_value());
  return sockets->front();
}

void steer(World& world, std::vector<core::WorkerId> workers) {
  REQUIRE(world.listeners.steer(app_id(1), workers).has_value());
}

int accepted_from(const BoundSocket& socket) {
  int count = 0;
  while (must(os::accept_connection(socket.fd))) ++count;
  return count;
}

TEST_CASE("the next master has the same sockets, and whoever waits there") {
  const TempDir dir;
  TwoMasters masters(plan({listener("http", {tcp("127.0.0.1"), if_available(tcp("::1"))}),
                           listener("dns", {udp("127.0.0.1")}), listener("admin", {unix_path(dir.path("admin.sock"))}),
                           listener("bus", {unix_abstract("bus-" + dir.path())})},
                          {app("web", {"http", "dns", "admin", "bus"})}));
  const OwnedFd client = client_of(address_of(masters.first.socket("http")));
  masters.kill();
  CHECK(lines(masters.problems) == "");
  for (const std::string name : {"http", "dns", "admin", "bus"}) {
    CAPTURE(name);
    CHECK(same_socket(masters.first.socket(name).fd, masters.second.socket(name).fd));
  }
  CHECK(masters.second.row("http").address == masters.first.row("http").address);
  CHECK(masters.second.row("http").apps == std::vector<std::string>{"web"});
  CHECK(accept_from(masters.second.socket("http")).valid());
  CHECK(masters.second.listeners.still_there("admin"));
  CHECK(lines(masters.second.listeners.reassert(app_id(1))) == "");
}

TEST_CASE("what the next master closes is closed, and not kept any more") {
  TwoMasters masters(plan({listener("http", {tcp("127.0.0.1")})}, {app("web", {"http"})}));
  const auto at = address_of(masters.first.socket("http"));
  masters.kill();
  CHECK(masters.kept.size() == 1);
  masters.second.listeners.close(app_id(1));
  CHECK(masters.kept.size() == 0);
  CHECK(errno_of_client(at) == ECONNREFUSED);
}

TEST_CASE("a listener that was closed is bound again by the next master, on the same port") {
  TwoMasters masters(plan({listener("http", {tcp("127.0.0.1")})}, {app("web", {"http"})}));
  const std::string address = masters.first.row("http").address;
  masters.first.listeners.close(app_id(1));
  masters.kill();
  CHECK_FALSE(masters.second.row("http").open);
  masters.second.listeners.start(app_id(1));
  CHECK(masters.second.row("http").open);
  CHECK(masters.second.row("http").address == address);
}

TEST_CASE("an app that is stopping is followed until its queues are empty") {
  const TempDir dir;
  TwoMasters masters(plan({listener("http", {unix_path(dir.path("http.sock"))})}, {app("web", {"http"})}));
  const auto path = must(os::SocketAddress::unix_path(dir.path("http.sock")));
  const OwnedFd client = client_of(path);
  (void)masters.first.listeners.quiesce(app_id(1));
  masters.kill();
  CHECK(errno_of_client(path) == ENOENT);
  CHECK_FALSE(masters.second.wait_for_post(200ms));
  (void)accept_from(masters.second.socket("http"));
  CHECK(masters.second.wait_for_post());
  CHECK(masters.second.last<core::ListenersQuiet>() != nullptr);
}

TEST_CASE("a socket that could not be kept, or is another one, is told by its listener and its address") {
  TwoMasters masters(plan({listener("http", {tcp("127.0.0.1")})}, {app("web", {"http"})}));
  const std::string address = masters.first.row("http").address;
  SUBCASE("not kept") {
    masters.kept.lose(KeepRole::listener_socket);
    masters.kill();
    CHECK(lines(masters.problems) == "listener http: " + address + ": the master before could not leave its socket\n");
  }
  SUBCASE("another one") {
    const OwnedFd other = must(os::open_socket(AF_INET, SOCK_STREAM));
    masters.kept.store().keep({KeepRole::listener_socket, 0, 1}, other);
    masters.kill();
    CHECK(lines(masters.problems) == "listener http: " + address + ": what was left as its socket is another one\n");
  }
  CHECK_FALSE(masters.second.row("http").open);
}

TEST_CASE("steered: each generation keeps its own side, and the next master switches on") {
  const TempDir dir;
  for (const core::Address& address : {tcp("127.0.0.1"), unix_path(dir.path("http.sock"))}) {
    CAPTURE(address.path);
    TwoMasters masters(plan({steered(address)}, {app("web", {"http"})}));
    const BoundSocket old = given(masters.first, worker(1, 1));
    steer(masters.first, {core::WorkerId{1}});
    const BoundSocket young = given(masters.first, worker(2, 2));
    masters.kill();
    CHECK(lines(masters.problems) == "");
    World& second = masters.second;
    CHECK(same_socket(given(second, worker(1, 1)).fd, old.fd));
    CHECK(same_socket(given(second, worker(2, 2)).fd, young.fd));
    const auto at = core::is_unix(address.kind) ? must(os::SocketAddress::unix_path(address.path)) : address_of(old);
    const OwnedFd client = client_of(at);
    CHECK(accepted_from(old) == 1);
    steer(second, {core::WorkerId{2}});
    const OwnedFd next = client_of(at);
    CHECK(accepted_from(old) == 0);
    CHECK(accepted_from(young) == 1);
    CHECK(second.listeners.starved(app_id(1), core::WorkerId{1}));
    second.listeners.left(core::WorkerId{1});
    CHECK(same_socket(given(second, worker(3, 3)).fd, old.fd));
  }
}

TEST_CASE("steered: where the numbers of the group cannot be told, they are made certain again") {
  TwoMasters masters(plan({steered(tcp("127.0.0.1"))}, {app("web", {"http"})}));
  const BoundSocket old = given(masters.first, worker(1, 1));
  steer(masters.first, {core::WorkerId{1}});
  const ListenersState before = reread(masters.first.listeners.save());
  (void)given(masters.first, worker(2, 2));  // it died before it had written that down
  masters.kept.leave_to(masters.second.keeper);
  CHECK(lines(masters.second.listeners.restore(before)) == "");
  (void)masters.second.keeper.drop_rest();
  World& second = masters.second;
  const auto at = address_of(old);
  std::vector<OwnedFd> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(client_of(at));
  CHECK(accepted_from(old) == 20);
  const BoundSocket next = given(second, worker(3, 3));
  steer(second, {core::WorkerId{3}});
  for (int i = 0; i < 20; ++i) clients.push_back(client_of(at));
  CHECK(accepted_from(old) == 0);
  CHECK(accepted_from(next) == 20);
}

TEST_CASE("what was opened on demand is known to the next master, and closed when its generation is gone") {
  TwoMasters masters(plan({}, {app("web", {})}));
  OnDemand first(masters.first.listeners), second(masters.second.listeners);
  core::AppPlan its = app("web", {});
  its.on_demand_max = 4;
  const ServerRequest request{.worker = worker(1, 1), .plan = its, .identity = {}, .address = tcp("127.0.0.1")};
  const auto opened = first.socket_for(request);
  REQUIRE(opened.has_value());
  (void)first.shared_data(app_id(1), "key", "tickets");
  masters.kill();
  second.restore(reread(first.save()));
  const auto again = second.socket_for(request);
  REQUIRE(again.has_value());
  CHECK(same_socket(opened->fd, again->fd));
  CHECK(second.shared_data(app_id(1), "key", "") == "tickets");
  second.generation_gone(app_id(1), core::GenerationId{1});
  CHECK(masters.kept.size() == 0);
}

}  // namespace
}  // namespace liveswap::master
