// The variables of a worker, whole: each convention's exact spelling is what programs in the field read.
#include "protocols/environment.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "protocols/protocol.hpp"

namespace {

using namespace liveswap::protocols;
using liveswap::core::Protocol;
using Family = HandedSocket::Family;
using Variables = std::vector<std::pair<std::string, std::string>>;

LaunchFacts facts_with(std::vector<HandedSocket> sockets) {
  LaunchFacts facts;
  facts.app = "web";
  facts.slot = 2;
  facts.generation = 3;
  facts.release = 7;
  facts.worker = "web-19";
  facts.sockets = std::move(sockets);
  facts.notify_socket = "/run/liveswap/web/notify/19";
  facts.master_pid = 4711;
  return facts;
}

std::vector<HandedSocket> three_sockets() {
  return {{.name = "http", .number = 3, .family = Family::ipv4, .host = "0.0.0.0", .port = 8080},
          {.name = "http", .number = 4, .family = Family::ipv6, .host = "::1", .port = 8080},
          {.name = "admin", .number = 5, .family = Family::unix_path, .host = "/run/admin.sock"}};
}

std::string value_of(const Environment& environment, std::string_view name) {
  for (const auto& [key, value] : environment.variables) {
    if (key == name) return value;
  }
  return "(not set)";
}

TEST_CASE("environment: a systemd worker with three sockets finds them by every convention") {
  LaunchFacts facts = facts_with(three_sockets());
  facts.watchdog = std::chrono::seconds(30);
  const Environment environment = make_protocol(Protocol::systemd)->environment(facts);
  CHECK(environment.variables == Variables{{"LISTEN_FDS", "3"},
                                           {"LISTEN_FDNAMES", "http:http:admin"},
                                           {"EINHORN_FD_COUNT", "3"},
                                           {"EINHORN_FD_0", "3"},
                                           {"EINHORN_FD_1", "4"},
                                           {"EINHORN_FD_2", "5"},
                                           {"EINHORN_MASTER_PID", "4711"},
                                           {"EINHORN_CHILD_INDEX", "2"},
                                           {"SERVER_STARTER_PORT", "8080=3;[::1]:8080=4;/run/admin.sock=5"},
                                           {"SERVER_STARTER_GENERATION", "3"},
                                           {"NOTIFY_SOCKET", "/run/liveswap/web/notify/19"},
                                           {"LIVESWAP_APP", "web"},
                                           {"LIVESWAP_SLOT", "2"},
                                           {"LIVESWAP_GENERATION", "3"},
                                           {"LIVESWAP_RELEASE", "7"},
                                           {"LIVESWAP_WORKER", "web-19"},
                                           {"WATCHDOG_USEC", "30000000"}});
  CHECK(environment.pid_variables == std::vector<std::string>{"LISTEN_PID", "WATCHDOG_PID"});
}

TEST_CASE("environment: a native worker has the same and its channel, after the listeners") {
  const LaunchFacts facts = facts_with(three_sockets());
  const auto native = make_protocol(Protocol::native);
  Environment with_channel = native->environment(facts);
  CHECK(with_channel.variables.back() == std::pair<std::string, std::string>{"LIVESWAP_CHANNEL", "6"});
  with_channel.variables.pop_back();
  CHECK(with_channel.variables == make_protocol(Protocol::systemd)->environment(facts).variables);
  CHECK(native->channel_number(facts) == 6);
  CHECK(make_protocol(Protocol::systemd)->channel_number(facts) == std::nullopt);
}

TEST_CASE("environment: without sockets LISTEN_FDS is not set, since readers take 0 for an error") {
  const Environment environment = common_environment(facts_with({}));
  CHECK(value_of(environment, "LISTEN_FDS") == "(not set)");
  CHECK(value_of(environment, "LISTEN_FDNAMES") == "(not set)");
  CHECK(value_of(environment, "EINHORN_FD_COUNT") == "0");
  CHECK(value_of(environment, "SERVER_STARTER_PORT") == "");
  CHECK(environment.pid_variables.empty());
  CHECK(make_protocol(Protocol::native)->channel_number(facts_with({})) == 3);
}

TEST_CASE("environment: the only socket is catflap's LISTEN_FD, and LISTEN_PID can be left out") {
  LaunchFacts facts = facts_with({{.name = "http", .number = 3}});
  CHECK(value_of(common_environment(facts), "LISTEN_FD") == "3");
  CHECK(common_environment(facts).pid_variables == std::vector<std::string>{"LISTEN_PID"});
  facts.listen_pid = false;
  CHECK(value_of(common_environment(facts), "LISTEN_FDS") == "1");
  CHECK(common_environment(facts).pid_variables.empty());
  CHECK(value_of(common_environment(facts_with(three_sockets())), "LISTEN_FD") == "(not set)");
}

TEST_CASE("environment: who inherits finds no socket a second time by LISTEN_FDS") {
  LaunchFacts facts = facts_with(three_sockets());
  facts.inherit_as = liveswap::core::InheritAs::unicorn;
  const Environment environment = common_environment(facts);
  CHECK(value_of(environment, "UNICORN_FD") == "3,4,5");
  for (const char* name : {"LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_FD"}) {
    CHECK(value_of(environment, name) == "(not set)");
  }
  CHECK(environment.pid_variables.empty());
  CHECK(value_of(environment, "EINHORN_FD_1") == "4");
}

TEST_CASE("environment: without a watchdog its variables are not set") {
  const Environment environment = common_environment(facts_with(three_sockets()));
  CHECK(value_of(environment, "WATCHDOG_USEC") == "(not set)");
  CHECK(environment.pid_variables == std::vector<std::string>{"LISTEN_PID"});
}

TEST_CASE("environment: SERVER_STARTER_PORT names a socket by address, and leaves out what it cannot name") {
  const auto ports = [](HandedSocket socket) {
    return value_of(common_environment(facts_with({std::move(socket)})), "SERVER_STARTER_PORT");
  };
  CHECK(ports({.number = 3, .family = Family::ipv4, .host = "0.0.0.0", .port = 80}) == "80=3");
  CHECK(ports({.number = 3, .family = Family::ipv4, .host = "127.0.0.1", .port = 80}) == "127.0.0.1:80=3");
  CHECK(ports({.number = 3, .family = Family::ipv6, .host = "::", .port = 80}) == "[::]:80=3");
  CHECK(ports({.number = 3, .family = Family::unix_path, .host = "@bus"}) == "@bus=3");
  CHECK(ports({.number = 3, .family = Family::unix_path, .host = "/run/a;b"}) == "");
  CHECK(ports({.number = 3, .family = Family::unix_path, .host = "/run/a=b"}) == "");
}

}  // namespace
