// The top level of a file: names, directories, control, log, shutdown.
#include <string>

#include "helpers.hpp"

using namespace liveswap;
using namespace liveswap::config;

namespace {

const std::string kApp = "apps: {web: {command: ./s}}\n";

std::string name_of_file(const std::string& path) {
  auto loaded = load_text(path, kApp, test_facts());
  return loaded ? loaded->plan.name : render(loaded.error());
}

}  // namespace

TEST_CASE("the name is the file's stem, and default for liveswap.yaml") {
  CHECK(name_of_file("/etc/liveswap/shop.yaml") == "shop");
  CHECK(name_of_file("shop.v2.yml") == "shop.v2");
  CHECK(name_of_file("./liveswap.yaml") == "default");
  CHECK(name_of_file("/etc/my shop.yaml") ==
        "/etc/my shop.yaml:1:1: name: is needed: the file's own name, \"my shop\", is not fit to be one\n"
        "  apps: {web: {command: ./s}}\n"
        "  ^\n");
}

TEST_CASE("a name must be one") {
  CHECK(plan_of("name: a.B_c-1\n" + kApp).name == "a.B_c-1");
  CHECK(told("name: my shop\n" + kApp) ==
        "web.yaml:1:7: name: \"my shop\" is not a name: 1 to 64 letters, digits, dots, underscores and "
        "hyphens, the "
        "first a letter or digit\n"
        "  name: my shop\n"
        "        ^\n");
  CHECK(told("name: " + std::string(65, 'a') + "\n" + kApp).starts_with("web.yaml:1:7: name: \"aaaaaaaa"));
}

TEST_CASE("without an app there is nothing to run") {
  CHECK(told("name: web\n") ==
        "web.yaml:1:1: apps: is needed: nothing is there to run\n"
        "  name: web\n"
        "  ^\n");
  CHECK(told("apps: {}\n") ==
        "web.yaml:1:7: apps: at least one app is needed\n"
        "  apps: {}\n"
        "        ^\n");
  CHECK(told("apps:\n") ==
        "web.yaml:1:1: apps: a map of keys is needed here, not nothing\n"
        "  apps:\n"
        "  ^\n");
}

TEST_CASE("paths are below the file's folder") {
  auto loaded =
      load_text("conf/web.yaml", "runtime_dir: run\nstate_dir: ./state/\ncontrol: {socket: c.sock}\n" + kApp,
                test_facts());
  REQUIRE(loaded);
  CHECK(loaded->plan.file == "/home/me/conf/web.yaml");
  CHECK(loaded->plan.runtime_dir == "/home/me/conf/run");
  CHECK(loaded->plan.state_dir == "/home/me/conf/state");
  CHECK(loaded->plan.control.socket == "/home/me/conf/c.sock");
  CHECK(loaded->plan.apps[0].cwd == "/home/me/conf");
}

TEST_CASE("state may be none") {
  auto plan = plan_of("state_dir: none\n" + kApp);
  CHECK(plan.no_state);
  CHECK_FALSE(plan.state_dir);
  CHECK(plan_of("state_dir: ./none\n" + kApp).state_dir == "/home/me/none");
}

TEST_CASE("paths of sockets fit the kernel's limit") {
  auto path = "/" + std::string(107, 'x');
  CHECK(told("control: {socket: " + path + "}\n" + kApp)
            .starts_with("web.yaml:1:19: control.socket: "
                         "\"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\" is "
                         "too long for a socket: 108 bytes, and the kernel takes 107\n"));
  CHECK(told("runtime_dir: /" + std::string(95, 'x') + "\n" + kApp)
            .ends_with("…\" is too long for a socket: 109 bytes, and the kernel takes 107\n"
                       "  runtime_dir: /" +
                       std::string(95, 'x') +
                       "\n"
                       "               ^\n"));
}

TEST_CASE("who may use the control socket must be there") {
  auto plan =
      plan_of("control: {observers: {groups: ops}, operators: {users: [me, www]}, admins: {}}\n" + kApp);
  CHECK(plan.control.observers.groups == std::vector<std::string>{"ops"});
  CHECK(plan.control.operators.users == std::vector<std::string>{"me", "www"});
  CHECK(plan.control.admins == core::Access{});
  CHECK(told("control:\n  operators:\n    users: [me, ci]\n    groups: [deploy]\n" + kApp) ==
        "web.yaml:3:17: control.operators.users: there is no user \"ci\"\n"
        "      users: [me, ci]\n"
        "                  ^\n"
        "web.yaml:4:14: control.operators.groups: there is no group \"deploy\"\n"
        "      groups: [deploy]\n"
        "               ^\n");
  CHECK(told("control: {observers: [me]}\n" + kApp) ==
        "web.yaml:1:22: control.observers: a map of keys is needed here, not a list\n"
        "  control: {observers: [me]}\n"
        "                       ^\n");
}

TEST_CASE("log, shutdown and start") {
  auto plan = plan_of(
      "log: {level: debug, format: json}\nshutdown: {delay: 5s, timeout: infinity}\n"
      "start: {on_failure: retry}\n" +
      kApp);
  CHECK(plan.log_level == core::LogLevel::debug);
  CHECK(plan.log_format == core::LogFormat::json);
  CHECK(plan.shutdown.delay == std::chrono::seconds(5));
  CHECK(plan.shutdown.timeout == core::kForever);
  CHECK(plan.on_start_failure == core::OnStartFailure::retry);
}

TEST_CASE("a value that is none of the allowed ones names them, and the nearest") {
  CHECK(told("log: {level: warning, format: yaml}\nstart: {on_failure: stop}\n" + kApp) ==
        "web.yaml:1:14: log.level: \"warning\" is not one of error, warn, info, debug (did you mean "
        "\"warn\"?)\n"
        "  log: {level: warning, format: yaml}\n"
        "               ^\n"
        "web.yaml:1:31: log.format: \"yaml\" is not one of text, json\n"
        "  log: {level: warning, format: yaml}\n"
        "                                ^\n"
        "web.yaml:2:21: start.on_failure: \"stop\" is not one of exit, retry\n"
        "  start: {on_failure: stop}\n"
        "                      ^\n");
}

TEST_CASE("defaults of a file that says only what to run") {
  auto plan = plan_of("apps: {web: {command: ./s}}\n");
  core::MasterPlan expected{.name = "web", .file = "/home/me/web.yaml"};
  expected.apps.push_back({.name = "web", .command = {"./s"}, .cwd = "/home/me"});
  CHECK(plan == expected);
}

TEST_CASE("a value is one value") {
  CHECK(told("log: {level: [info], format: {a: b}}\nname:\nshutdown: 5s\n" + kApp) ==
        "web.yaml:1:14: log.level: one value is needed here, not a list\n"
        "  log: {level: [info], format: {a: b}}\n"
        "               ^\n"
        "web.yaml:1:30: log.format: one value is needed here, not a map\n"
        "  log: {level: [info], format: {a: b}}\n"
        "                               ^\n"
        "web.yaml:2:1: name: a value is missing\n"
        "  name:\n"
        "  ^\n"
        "web.yaml:3:11: shutdown: a map of keys is needed here, not a value\n"
        "  shutdown: 5s\n"
        "            ^\n");
}
