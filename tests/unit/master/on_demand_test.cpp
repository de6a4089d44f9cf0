// Goal: a worker that asks for an address gets its app's listener, one that its generation and others share, or an
// errno: never what its own user could not have had.
#include "master/on_demand.hpp"

#include "listeners_world.hpp"

namespace liveswap::master {
using namespace test;

namespace {

constexpr auto kWeb = core::AppId{1};
constexpr auto kApi = core::AppId{2};
const os::FileIdentity kNobody{65534, 65534, {}};

struct Demand : World {
  core::AppPlan web = app("web", {"http"});
  core::AppPlan api = app("api", {});
  OnDemand on_demand{listeners};

  explicit Demand(std::vector<core::Address> configured = {tcp("127.0.0.1")})
      : World(plan({listener("http", std::move(configured))}, {app("web", {"http"}), app("api", {})})) {}

  ServerRequest request(core::Address address, std::uint64_t generation = 1) {
    return {.worker = {{}, kWeb, 0, core::GenerationId{generation}, {}}, .plan = web, .identity = {},
            .address = std::move(address)};
  }
  ServerRequest api_request(core::Address address) {
    return {.worker = {{}, kApi, 0, core::GenerationId{1}, {}}, .plan = api, .identity = {},
            .address = std::move(address)};
  }
  std::string name_of(const ServerRequest& wanted) {
    const auto socket = on_demand.socket_for(wanted);
    return socket ? socket->listener : "refused with " + std::to_string(socket.error().error);
  }
};

std::string refused(int error) { return "refused with " + std::to_string(error); }

}  // namespace

TEST_CASE("on demand: a listener of the app is found by its address, by port 0, and by no host where it has all") {
  Demand world;
  const std::uint16_t port = world.socket("http").port;
  CHECK(world.name_of(world.request(tcp("127.0.0.1", port))) == "http");
  CHECK(world.name_of(world.request(tcp("127.0.0.1", 0))) == "http");
  CHECK(world.name_of(world.request(tcp("127.0.0.2", port))) == "web-" + std::to_string(port));
  Demand everywhere({tcp("0.0.0.0")});
  CHECK(everywhere.name_of(everywhere.request(tcp("", everywhere.socket("http").port))) == "http");
  Demand both({tcp("")});
  CHECK(both.name_of(both.request(tcp("", both.socket("http").port))) == "http");
  CHECK(both.name_of(both.request(tcp("::", both.socket("http").port))) == "http");
}

TEST_CASE("on demand: what another app has is in use") {
  Demand world;
  const std::uint16_t port = world.socket("http").port;
  CHECK(world.name_of(world.api_request(tcp("127.0.0.1", port))) == refused(EADDRINUSE));
}

TEST_CASE("on demand: generations share a listener, and the last one to go closes it") {
  Demand world;
  const auto first = world.on_demand.socket_for(world.request(tcp("127.0.0.2"), 1));
  REQUIRE(first.has_value());
  const auto address = address_of(*first);
  const auto second = world.on_demand.socket_for(world.request(tcp("127.0.0.2"), 2));
  REQUIRE(second.has_value());
  CHECK(second->fd == first->fd);
  CHECK(world.row("web-0").apps == std::vector<std::string>{"web"});
  world.on_demand.generation_gone(kApi, core::GenerationId{1});
  world.on_demand.generation_gone(kWeb, core::GenerationId{1});
  CHECK(errno_of_client(address) == 0);
  world.on_demand.generation_gone(kWeb, core::GenerationId{2});
  CHECK(errno_of_client(address) == ECONNREFUSED);
  CHECK_FALSE(world.listeners.has("web-0"));
}

TEST_CASE("on demand: of several servers on port 0 each has its own") {
  Demand world;
  ServerRequest second = world.request(tcp("127.0.0.2"));
  second.index = 1;
  CHECK(world.name_of(world.request(tcp("127.0.0.2"))) == "web-0");
  CHECK(world.name_of(second) == "web-0.2");
  CHECK(world.name_of(second) == "web-0.2");
}

TEST_CASE("on demand: no more than the app may have at a time") {
  Demand world;
  world.web.on_demand_max = 1;
  CHECK(world.name_of(world.request(tcp("127.0.0.2"))) == "web-0");
  CHECK(world.name_of(world.request(tcp("127.0.0.3"))) == refused(EMFILE));
  world.on_demand.generation_gone(kWeb, core::GenerationId{1});
  CHECK(world.name_of(world.request(tcp("127.0.0.3"))) == "web-0");
}

TEST_CASE("on demand: a privileged port needs the worker's own right, or allow_bind") {
  CHECK(may_bind_port(80, std::nullopt));
  CHECK(may_bind_port(0, kNobody));
  CHECK(may_bind_port(8080, kNobody));
  CHECK_FALSE(may_bind_port(80, kNobody));
  CHECK(may_bind_port(80, os::FileIdentity{0, 0, {}}));
  Demand world;
  ServerRequest request = world.request(tcp("127.0.0.2", 81));
  request.identity = kNobody;
  CHECK(world.name_of(request) == refused(EACCES));
  if (!is_root()) return;
  world.web.allow_bind = {tcp("127.0.0.2", 81)};
  CHECK(world.name_of(request) == "web-81");
}

TEST_CASE("on demand: a path whose file was removed is made anew, and the old socket stays with who has it") {
  Demand world;
  const TempDir folder;
  const std::string path = folder.path("x.sock");
  const auto first = world.on_demand.socket_for(world.request(unix_path(path), 1));
  REQUIRE(first.has_value());
  CHECK(first->listener == "web-x.sock");
  REQUIRE(::unlink(path.c_str()) == 0);
  const auto second = world.on_demand.socket_for(world.request(unix_path(path), 2));
  REQUIRE(second.has_value());
  CHECK(second->listener == "web-x.sock.2");
  CHECK(must(os::is_nonblock(first->fd)));
  world.on_demand.generation_gone(kWeb, core::GenerationId{1});
  CHECK(exists(path));
  CHECK(world.name_of(world.request(unix_path(path), 3)) == "web-x.sock.2");
  world.on_demand.generation_gone(kWeb, core::GenerationId{2});
  world.on_demand.generation_gone(kWeb, core::GenerationId{3});
  CHECK_FALSE(exists(path));
}

TEST_CASE("on demand: what is no socket stays at its path") {
  Demand world;
  const TempDir folder;
  const std::string path = folder.path("file");
  const OwnedFd file{os::adopt, ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)};
  CHECK(world.name_of(world.request(unix_path(path))) == refused(EADDRINUSE));
  CHECK(exists(path));
}

TEST_CASE("on demand: paths are made and removed with the worker's own rights" * doctest::skip(::geteuid() != 0)) {
  Demand world;
  const TempDir folder;
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  const std::string open = folder.path("open");
  REQUIRE(::mkdir(open.c_str(), 0755) == 0);
  REQUIRE(::chown(open.c_str(), kNobody.uid, kNobody.gid) == 0);
  ServerRequest request = world.request(unix_path(folder.path("x.sock")));
  request.identity = kNobody;
  CHECK(world.name_of(request) == refused(EACCES));
  request.address = unix_path(open + "/x.sock");
  CHECK(world.name_of(request) == "web-x.sock");
  CHECK(stat_of(open + "/x.sock").st_uid == kNobody.uid);
  world.on_demand.generation_gone(kWeb, core::GenerationId{1});
  CHECK_FALSE(exists(open + "/x.sock"));
}

TEST_CASE("on demand: an app that stops closes them all") {
  Demand world;
  const auto socket = world.on_demand.socket_for(world.request(tcp("127.0.0.2")));
  REQUIRE(socket.has_value());
  const auto address = address_of(*socket);
  world.on_demand.generation_gone(kWeb, core::GenerationId{9});
  CHECK(errno_of_client(address) == 0);
  world.listeners.close(kWeb);
  CHECK(errno_of_client(address) == ECONNREFUSED);
}

TEST_CASE("on demand: data of the first worker's server is everybody's") {
  Demand world;
  CHECK(world.on_demand.shared_data(kWeb, "tcp::80:0", "") == "");
  CHECK(world.on_demand.shared_data(kWeb, "tcp::80:0", "first") == "first");
  CHECK(world.on_demand.shared_data(kWeb, "tcp::80:0", "second") == "first");
  CHECK(world.on_demand.shared_data(kApi, "tcp::80:0", "other") == "other");
}

}  // namespace liveswap::master
