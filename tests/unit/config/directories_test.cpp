// Where masters keep their things, and that a client looks where a master of the same surroundings is.
#include "config/directories.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace liveswap::config {
namespace {

core::MasterPlan plan_called(std::string name) {
  core::MasterPlan plan;
  plan.name = std::move(name);
  return plan;
}

using Strings = std::vector<std::string>;

TEST_CASE("root's master keeps its things in /run and /var/lib") {
  const Surroundings root{0, {{"XDG_RUNTIME_DIR", "/run/user/0"}, {"HOME", "/root"}}};
  CHECK(runtime_dir(plan_called("web"), root) == "/run/liveswap/web");
  CHECK(state_dir(plan_called("web"), root) == "/var/lib/liveswap/web");
  CHECK(control_socket(plan_called("web"), root) == "/run/liveswap/web/control.sock");
}

TEST_CASE("another user's master keeps its things in the user's directories") {
  const Surroundings user{1000, {{"XDG_RUNTIME_DIR", "/run/user/1000"}, {"HOME", "/home/u"}}};
  CHECK(runtime_dir(plan_called("web"), user) == "/run/user/1000/liveswap/web");
  CHECK(state_dir(plan_called("web"), user) == "/home/u/.local/state/liveswap/web");
  const Surroundings state{1000, {{"XDG_STATE_HOME", "/s"}, {"HOME", "/home/u"}}};
  CHECK(state_dir(plan_called("web"), state) == "/s/liveswap/web");
}

TEST_CASE("a user without directories gets one in /tmp, and no state") {
  const Surroundings bare{1000, {{"XDG_RUNTIME_DIR", ""}, {"HOME", "relative"}}};
  CHECK(runtime_dir(plan_called("web"), bare) == "/tmp/liveswap-1000/web");
  CHECK(state_dir(plan_called("web"), bare) == "");
}

TEST_CASE("systemd's directories are taken before the defaults, the first of several") {
  const Surroundings service{0, {{"RUNTIME_DIRECTORY", "/run/a:/run/b"}, {"STATE_DIRECTORY", "/var/lib/a"}}};
  CHECK(runtime_dir(plan_called("web"), service) == "/run/a");
  CHECK(state_dir(plan_called("web"), service) == "/var/lib/a");
}

TEST_CASE("what is configured is taken before everything else") {
  const Surroundings service{0, {{"RUNTIME_DIRECTORY", "/run/a"}, {"STATE_DIRECTORY", "/var/lib/a"}}};
  core::MasterPlan plan = plan_called("web");
  plan.runtime_dir = "/r";
  plan.state_dir = "/s";
  CHECK(runtime_dir(plan, service) == "/r");
  CHECK(state_dir(plan, service) == "/s");
  CHECK(control_socket(plan, service) == "/r/control.sock");
  plan.control.socket = "/c";
  plan.no_state = true;
  CHECK(control_socket(plan, service) == "/c");
  CHECK(state_dir(plan, service) == "");
}

TEST_CASE("a client looks for a name in all runtime directories, its own user's first") {
  const Surroundings user{1000, {{"XDG_RUNTIME_DIR", "/run/user/1000/"}}};
  CHECK(control_sockets_of("web", user) == Strings{"/run/user/1000/liveswap/web/control.sock",
                                                   "/run/liveswap/web/control.sock",
                                                   "/tmp/liveswap-1000/web/control.sock"});
  CHECK(control_sockets_of("web", Surroundings{0, {}}) ==
        Strings{"/run/liveswap/web/control.sock", "/tmp/liveswap-0/web/control.sock"});
  CHECK(control_sockets_of("web", Surroundings{7, {{"RUNTIME_DIRECTORY", "/run/a"}}}) ==
        Strings{"/run/a/control.sock", "/tmp/liveswap-7/web/control.sock", "/run/liveswap/web/control.sock"});
}

TEST_CASE("wherever a master's socket is by default, a client in the same surroundings looks for it") {
  for (const uid_t uid : {0U, 1000U}) {
    for (const char* runtime : {"", "/run/a:/run/b"}) {
      for (const char* xdg : {"", "/run/user/1000"}) {
        const Surroundings surroundings{uid, {{"RUNTIME_DIRECTORY", runtime}, {"XDG_RUNTIME_DIR", xdg}}};
        const auto looked = control_sockets_of("web", surroundings);
        CHECK(std::ranges::count(looked, control_socket(plan_called("web"), surroundings)) == 1);
      }
    }
  }
}

}  // namespace
}  // namespace liveswap::config
