// Goal: a process that holds a listener and is no worker's is found, and named. Method: children that were given one.
#include "master/listener_holders.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "../os/processes.hpp"
#include "listeners_world.hpp"

namespace liveswap::master {
namespace {

using namespace std::chrono_literals;
using os::test::Child;

os::SpawnRequest sleeper(std::vector<os::FdMapping> fds) {
  os::SpawnRequest request = os::test::shell("exec sleep 60");
  request.fds = std::move(fds);
  return request;
}

struct Look {
  loop::Loop loop;
  pid_t main = 0;
  std::set<pid_t> living;
  std::vector<HoldersFound> found;
  ListenerHolders holders{loop, {.is_main = [this](pid_t pid) { return pid == main; },
                                 .living = [this] { return living; },
                                 .found =
                                     [this](const HoldersFound& each) {
                                       found.push_back(each);
                                       loop.stop();
                                     }}};
  HoldersFound at(const std::vector<BoundSocket>& sockets) {
    holders.look(core::AppId{1}, sockets);
    loop.run();
    return found.back();
  }
};

TEST_CASE("a process that holds listeners is named, with each of them; a living worker is not") {
  const auto http = os::test::listening(os::test::loopback());
  const auto admin = os::test::listening(os::test::loopback());
  const std::vector<BoundSocket> sockets{{"http", 0, http.socket, core::SocketKind::tcp, "127.0.0.1", 1},
                                         {"admin", 0, admin.socket, core::SocketKind::tcp, "127.0.0.1", 2}};
  const Child both(sleeper({{http.socket, 7}, {admin.socket, 8}, {http.socket, 9}}));
  const Child worker(sleeper({{http.socket, 7}}));
  const Child forked(sleeper({{http.socket, 7}}));
  const Child nothing(sleeper({}));
  Look look;
  look.main = worker.pid();
  look.living = {worker.pid(), forked.pid()};
  const HoldersFound found = look.at(sockets);
  CHECK(found.app == core::AppId{1});
  REQUIRE(found.holders.size() == 1);
  CHECK(found.holders[0].pid == both.pid());
  CHECK(found.holders[0].comm == "sleep");
  CHECK(found.holders[0].listeners == std::set<std::string>{"admin", "http"});
  CHECK(found.looked_into >= 3);
  look.living.insert(both.pid());
  CHECK(look.at(sockets).holders.empty());
}

TEST_CASE("looks for several apps come one after the other, and none is lost") {
  const auto http = os::test::listening(os::test::loopback());
  const std::vector<BoundSocket> sockets{{"http", 0, http.socket, core::SocketKind::tcp, "127.0.0.1", 1}};
  Look look;
  for (const std::uint64_t app : {1U, 2U, 3U, 2U}) look.holders.look(core::AppId{app}, sockets);
  while (look.found.size() < 3) look.loop.run();
  std::vector<std::uint64_t> apps;
  for (const HoldersFound& each : look.found) apps.push_back(each.app.value);
  CHECK(apps == std::vector<std::uint64_t>{1, 3, 2});
}

}  // namespace
}  // namespace liveswap::master
