// One app's section: policy, listeners, environment, accounts, limits.
#include <csignal>
#include <string>

#include "helpers.hpp"

using namespace liveswap;
using namespace liveswap::config;

namespace {

core::AppPlan app_of(const std::string& keys, const Facts& facts = test_facts()) {
  return plan_of(
             "listeners:\n  http: tcp://:80\n  api: unix:/run/api.sock\napps:\n  web:\n    command: ./s\n" +
                 keys,
             facts)
      .apps[0];
}

// What is told of one more key beside a command: its first line, from the key's name on.
std::string complaint(const std::string& key, const Facts& facts = test_facts()) {
  auto text = told_of_app("    command: ./s\n    " + key + "\n", facts);
  auto line = text.substr(0, text.find('\n'));
  auto at = line.find("apps.web.");
  return at == std::string::npos ? line : line.substr(at);
}

using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace

TEST_CASE("workers: a number or auto") {
  CHECK(app_of("    workers: 4\n").policy.workers == 4);
  auto app = app_of("    workers: auto\n");
  CHECK(app.workers_auto);
  CHECK(app.policy.workers == 6);
  CHECK(told_of_app("    command: ./s\n    workers: 0\n") ==
        "web.yaml:7:14: apps.web.workers: \"0\" is not a number from 1 to 4096, or auto\n"
        "      workers: 0\n"
        "               ^\n");
  CHECK(complaint("workers: 4097") == "apps.web.workers: \"4097\" is not a number from 1 to 4096, or auto");
  CHECK(complaint("workers: 4.0") == "apps.web.workers: \"4.0\" is not a number from 1 to 4096, or auto");
  CHECK(complaint("workers: [4]") == "apps.web.workers: one value is needed here, not a list");
}

TEST_CASE("one app gets all listeners, in the file's order; several get what they list") {
  CHECK(app_of("").listeners == std::vector<std::string>{"http", "api"});
  CHECK(app_of("    listeners: [api, http]\n").listeners == std::vector<std::string>{"api", "http"});
  CHECK(app_of("    listeners: api\n").listeners == std::vector<std::string>{"api"});
  CHECK(app_of("    listeners: []\n").listeners.empty());
  auto plan =
      plan_of("listeners: {a: tcp://:80}\napps: {x: {command: ./x}, y: {command: ./y, listeners: [a]}}\n");
  CHECK(plan.apps[0].listeners.empty());
  CHECK(plan.apps[1].listeners == std::vector<std::string>{"a"});
}

TEST_CASE("a listener that is not there names the nearest, or all") {
  CHECK(told_of_app("    command: ./s\n    listeners: [htpp, api, admin]\n") ==
        "web.yaml:7:17: apps.web.listeners: there is no listener \"htpp\" (did you mean \"http\"?)\n"
        "      listeners: [htpp, api, admin]\n"
        "                  ^\n"
        "web.yaml:7:28: apps.web.listeners: there is no listener \"admin\"; there are http, api\n"
        "      listeners: [htpp, api, admin]\n"
        "                             ^\n");
  CHECK(told("apps: {web: {command: ./s, listeners: [http]}}\n") ==
        "web.yaml:1:40: apps.web.listeners: there is no listener \"http\"\n"
        "  apps: {web: {command: ./s, listeners: [http]}}\n"
        "                                         ^\n");
  CHECK(complaint("listeners: [http, http, api]") == "apps.web.listeners: \"http\" is listed twice");
}

TEST_CASE("names of apps") {
  CHECK(told("apps: {\"a/b\": {command: ./s}}\n") ==
        "web.yaml:1:8: apps: \"a/b\" is not a name: 1 to 64 letters, digits, dots, underscores and hyphens, "
        "the first a "
        "letter or digit\n"
        "  apps: {\"a/b\": {command: ./s}}\n"
        "         ^\n");
}

TEST_CASE("an app is a map") {
  CHECK(told("apps:\n  web:\n  api: ./s\n") ==
        "web.yaml:2:3: apps.web: a map of keys is needed here, not nothing\n"
        "    web:\n"
        "    ^\n"
        "web.yaml:3:8: apps.api: a map of keys is needed here, not a value\n"
        "    api: ./s\n"
        "         ^\n");
}

TEST_CASE("native is asked to drain by message, systemd by signal") {
  CHECK(app_of("").protocol == core::Protocol::systemd);
  CHECK(app_of("").policy.drain_by_signal);
  auto native = app_of("    protocol: native\n");
  CHECK(native.protocol == core::Protocol::native);
  CHECK_FALSE(native.policy.drain_by_signal);
  CHECK(native.ready.when == core::ReadyWhen::notify);
  CHECK(told_of_app("    command: ./s\n    protocol: native\n    drain: {signal: QUIT}\n") ==
        "web.yaml:8:21: apps.web.drain.signal: a native worker is asked by a message on its channel, not by "
        "a signal\n"
        "      drain: {signal: QUIT}\n"
        "                      ^\n");
}

TEST_CASE("node: what only a Node worker can have") {
  auto node = app_of("    protocol: node\n    ready: {when: message}\n    drain: {message: shutdown}\n"
                     "    allow_bind: [\"tcp://:80\", unix:x.sock]\n    on_demand_max: 0\n");
  CHECK(node.protocol == core::Protocol::node);
  CHECK_FALSE(node.policy.drain_by_signal);
  CHECK(node.ready.when == core::ReadyWhen::message);
  CHECK(node.drain_message == "shutdown");
  REQUIRE(node.allow_bind.size() == 2);
  CHECK(node.allow_bind[0].port == 80);
  CHECK(node.allow_bind[1].path.ends_with("/x.sock"));
  CHECK(node.on_demand_max == 0);
  CHECK(app_of("    protocol: node\n").on_demand_max == 64);
  CHECK(complaint("ready: {when: message}") ==
        "apps.web.ready.when: message goes with protocol: node only: it is what process.send() says");
  CHECK(complaint("drain: {message: shutdown}") == "apps.web.drain.message: goes with protocol: node only");
  CHECK(complaint("allow_bind: tcp://:80") == "apps.web.allow_bind: goes with protocol: node or bind only");
  CHECK(complaint("on_demand_max: 5") == "apps.web.on_demand_max: goes with protocol: node or bind only");
  CHECK(told_of_app("    command: ./s\n    protocol: node\n    drain: {signal: QUIT}\n") ==
        "web.yaml:8:21: apps.web.drain.signal: a node worker is asked by a message on its channel, not by a signal\n"
        "      drain: {signal: QUIT}\n"
        "                      ^\n");
  CHECK(told_of_app("    command: ./s\n    protocol: node\n    drain: {message: bye}\n") ==
        "web.yaml:8:22: apps.web.drain.message: \"bye\" is not shutdown\n"
        "      drain: {message: bye}\n"
        "                       ^\n");
  CHECK(told_of_app("    command: ./s\n    protocol: node\n    allow_bind: web:80\n").contains("apps.web.allow_bind"));
  CHECK(told_of_app("    command: [./s, \"${fd:http}\"]\n    protocol: node\n")
            .contains("a node worker is handed no descriptors: it asks for them by listen()"));
}

TEST_CASE("what goes with another protocol only, and outputs of later versions, are errors") {
  CHECK(complaint("io_uring: deny") == "apps.web.io_uring: goes with protocol: bind only");
  CHECK(complaint("bind_by: preload") == "apps.web.bind_by: goes with protocol: bind only");
  CHECK(told_of_app("    command: ./s\n    protocol: bind\n    bind_by: preload\n    io_uring: deny\n")
            .contains("apps.web.io_uring: deny needs seccomp, and so does not go with bind_by: preload"));
  CHECK(complaint("ready: {when: listen}") ==
        "apps.web.ready.when: listen goes with protocol: bind only: it is the program's own listen() that is seen");
  CHECK(complaint("output: journal") == "apps.web.output: \"journal\" is not one of inherit, prefix");
  CHECK(complaint("output: {file: x}") == "apps.web.output: one value is needed here, not a map");
}

TEST_CASE("readiness: the keys must fit when") {
  auto delay = app_of("    ready: {when: delay, delay: 2s}\n");
  CHECK(delay.ready.when == core::ReadyWhen::delay);
  CHECK(delay.ready.delay == seconds(2));
  CHECK(app_of("    ready: {when: delay}\n").ready.delay == seconds(1));
  auto command = app_of("    ready: {when: command, command: ./ok.sh -q, interval: 250ms, timeout: 5s}\n");
  CHECK(command.ready.when == core::ReadyWhen::command);
  CHECK(command.ready.command == std::vector<std::string>{"./ok.sh", "-q"});
  CHECK(command.ready.interval == milliseconds(250));
  CHECK(command.policy.ready_timeout == seconds(5));
  CHECK(complaint("ready: {delay: 1s}") == "apps.web.ready.delay: goes with when: delay only");
  CHECK(complaint("ready: {command: ./ok.sh}") == "apps.web.ready.command: goes with when: command only");
  CHECK(complaint("ready: {when: delay, interval: 1s}") ==
        "apps.web.ready.interval: goes with when: command only");
  CHECK(complaint("ready: {when: command}") == "apps.web.ready.when: needs a command: beside it");
  CHECK(complaint("ready: {when: delay, delay: 30s}") ==
        "apps.web.ready.delay: the delay is not shorter than the timeout");
  CHECK(complaint("ready: {when: delay, timeout: 1s}") ==
        "apps.web.ready.timeout: the delay is not shorter than the timeout");
}

TEST_CASE("times of drain, stop, restart and watchdog") {
  auto app = app_of(
      "    drain: {signal: QUIT, timeout: 1h}\n    stop: {signal: SIGINT, timeout: 0s}\n"
      "    restart: {delay: 0s, max_delay: 1m30s, reset_after: 2m, limit: {burst: 5, interval: 60s}}\n    "
      "watchdog: 30s\n");
  CHECK(app.policy.drain_signal == SIGQUIT);
  CHECK(app.policy.drain_timeout == std::chrono::hours(1));
  CHECK(app.policy.stop_signal == SIGINT);
  CHECK(app.policy.stop_timeout == seconds(0));
  CHECK(app.policy.restart_delay == seconds(0));
  CHECK(app.policy.restart_max_delay == seconds(90));
  CHECK(app.policy.restart_reset_after == seconds(120));
  CHECK(app.policy.restart_limit == core::RestartLimit{5, seconds(60)});
  CHECK(app.policy.watchdog == seconds(30));
  CHECK_FALSE(app_of("    watchdog: off\n").policy.watchdog);
}

TEST_CASE("times that make no sense") {
  CHECK(complaint("ready: {timeout: 0s}") == "apps.web.ready.timeout: must be longer than zero");
  CHECK(complaint("drain: {idle: 0s}") == "apps.web.drain.idle: must be longer than zero, or off");
  CHECK(complaint("watchdog: 0s") == "apps.web.watchdog: must be longer than zero, or off");
  CHECK(complaint("watchdog: infinity") == "apps.web.watchdog: infinity makes no sense here, or off");
  CHECK(complaint("restart: {delay: infinity}") == "apps.web.restart.delay: infinity makes no sense here");
  CHECK(complaint("restart: {delay: 1m}") == "apps.web.restart.delay: delay is longer than max_delay");
  CHECK(complaint("restart: {max_delay: 50ms}") ==
        "apps.web.restart.max_delay: delay is longer than max_delay");
  CHECK(complaint("restart: {limit: {burst: 5}}") ==
        "apps.web.restart.limit: needs both burst: and interval:");
  CHECK(complaint("restart: {limit: {burst: 0, interval: 1s}}") ==
        "apps.web.restart.limit.burst: \"0\" is not a number from 1 to 1000");
}

TEST_CASE("signals that cannot ask") {
  CHECK(complaint("drain: {signal: KILL}") ==
        "apps.web.drain.signal: KILL leaves no time to finish; TERM is usual");
  CHECK(complaint("drain: {signal: STOP}") ==
        "apps.web.drain.signal: STOP and CONT do not ask a program to end");
  CHECK(complaint("stop: {signal: SIGSTOP}") ==
        "apps.web.stop.signal: STOP and CONT do not ask a program to end");
  CHECK(app_of("    stop: {signal: KILL}\n").policy.stop_signal == SIGKILL);
}

TEST_CASE("how a rollout goes") {
  auto app = app_of("    upgrade: {max_surge: 25%, max_unavailable: 1, max_draining: 2}\n");
  CHECK(app.policy.max_surge == core::Amount{25, true});
  CHECK(app.policy.max_unavailable == core::Amount{1, false});
  CHECK(app.policy.max_draining == 2);
  CHECK(told_of_app("    command: ./s\n    upgrade: {max_surge: 0%}\n") ==
        "web.yaml:7:26: apps.web.upgrade.max_surge: max_surge and max_unavailable are both 0: no worker "
        "could ever be "
        "replaced\n"
        "      upgrade: {max_surge: 0%}\n"
        "                           ^\n");
  CHECK(complaint("upgrade: {max_surge: 101%}") ==
        "apps.web.upgrade.max_surge: \"101%\" is neither a number from 0 to "
        "4096 nor a percentage from 0% to 100%");
  CHECK(complaint("upgrade: {max_draining: 0}") ==
        "apps.web.upgrade.max_draining: \"0\" is not a number from 1 to 1000");
}

TEST_CASE("users and groups need to be there, and the right to become them") {
  CHECK(complaint("user: www") == "apps.web.user: only root can run workers as user \"www\"");
  CHECK(complaint("group: ops") == "apps.web.group: only root can run workers as group \"ops\"");
  CHECK(complaint("user: nobody-here") == "apps.web.user: there is no user \"nobody-here\"");
  CHECK(complaint("group: nobody-here") == "apps.web.group: there is no group \"nobody-here\"");
  auto own = app_of("    user: me\n    group: me\n");
  CHECK(own.user == "me");
  CHECK(own.group == "me");
  auto other = app_of("    user: www\n    group: ops\n", test_facts(0));
  CHECK(other.user == "www");
  CHECK(other.group == "ops");
}

TEST_CASE("a user without an entry needs a group") {
  auto facts = test_facts(0);
  facts.find_user = [](const std::string&) { return User{10001, std::nullopt, ""}; };
  CHECK(complaint("user: 10001", facts) ==
        "apps.web.user: the user database does not know \"10001\": group: is needed, too");
  CHECK(app_of("    user: 10001\n    group: ops\n", facts).user == "10001");
}

TEST_CASE("what is passed on of the environment") {
  using Kind = core::PassEnv::Kind;
  CHECK(app_of("").pass_env.kind == Kind::all);
  CHECK(app_of("    pass_env: all\n").pass_env.kind == Kind::all);
  CHECK(app_of("    pass_env: none\n").pass_env.kind == Kind::none);
  auto some = app_of("    pass_env: [PATH, \"DB_*\", '*']\n").pass_env;
  CHECK(some.kind == Kind::some);
  CHECK(some.patterns == std::vector<std::string>{"PATH", "DB_*", "*"});
  CHECK(complaint("pass_env: PATH") ==
        "apps.web.pass_env: \"PATH\" is neither all nor none; a list of names goes in brackets: [PATH]");
  CHECK(complaint("pass_env: [\"*_URL\"]") ==
        "apps.web.pass_env: \"*_URL\" is not the name of a variable; one * may stand at the end");
  CHECK(complaint("pass_env: [A=B]") ==
        "apps.web.pass_env: \"A=B\" is not the name of a variable; one * may stand at the end");
}

TEST_CASE("env files: one or several, some may be missing") {
  auto app = app_of("    env_file: [/etc/web/env, -local.env]\n");
  REQUIRE(app.env_files.size() == 2);
  CHECK(app.env_files[0] == core::EnvFile{"/etc/web/env", false});
  CHECK(app.env_files[1] == core::EnvFile{"/home/me/local.env", true});
  CHECK(app_of("    env_file: -/etc/env\n").env_files[0] == core::EnvFile{"/etc/env", true});
  CHECK(complaint("env_file: \"-\"") == "apps.web.env_file: a path is needed");
}

TEST_CASE("values of env are taken as written") {
  auto app = app_of(
      "    env:\n      PORT: 8080\n      LEGACY: no\n      OCTAL: 0660\n      EMPTY:\n      TILDE: ~\n"
      "      NULL_: null\n      TEXT: \" a b \"\n      FLOAT: 1.10\n");
  std::vector<std::pair<std::string, std::string>> expected{
      {"PORT", "8080"}, {"LEGACY", "no"},  {"OCTAL", "0660"}, {"EMPTY", ""},
      {"TILDE", "~"},   {"NULL_", "null"}, {"TEXT", " a b "}, {"FLOAT", "1.10"}};
  CHECK(app.env == expected);
}

TEST_CASE("env: names and types") {
  CHECK(told_of_app(
            "    command: ./s\n    env:\n      A: [1]\n      B: {c: d}\n      \"E=F\": 1\n      1G: 1\n") ==
        "web.yaml:8:10: apps.web.env.A: one value is needed here, not a list\n"
        "        A: [1]\n"
        "           ^\n"
        "web.yaml:9:10: apps.web.env.B: one value is needed here, not a map\n"
        "        B: {c: d}\n"
        "           ^\n"
        "web.yaml:10:7: apps.web.env.E=F: \"E=F\" is not the name of a variable\n"
        "        \"E=F\": 1\n"
        "        ^\n"
        "web.yaml:11:7: apps.web.env.1G: \"1G\" is not the name of a variable\n"
        "        1G: 1\n"
        "        ^\n");
  CHECK(complaint("env: [A=1]") == "apps.web.env: a map of keys is needed here, not a list");
}

TEST_CASE("variables that liveswap sets cannot be set") {
  for (std::string name : {"LISTEN_FDS", "NOTIFY_SOCKET", "WATCHDOG_USEC", "LIVESWAP_SLOT",
                           "EINHORN_FD_COUNT", "SERVER_STARTER_PORT"}) {
    CHECK(complaint("env: {" + name + ": 1}") ==
          "apps.web.env." + name + ": liveswap sets this variable itself");
  }
}

TEST_CASE("limits: one number for both, or soft and hard") {
  auto app = app_of("    limits: {nofile: 65536, core: \"0:infinity\", stack: infinity}\n");
  REQUIRE(app.limits.size() == 3);
  CHECK(app.limits[0].name == "nofile");
  CHECK(app.limits[0].soft == 65536);
  CHECK(app.limits[0].hard == 65536);
  CHECK(app.limits[1].soft == 0);
  CHECK(app.limits[1].hard == core::kUnlimited);
  CHECK(app.limits[2].soft == core::kUnlimited);
  CHECK(told_of_app("    command: ./s\n    limits: {nofiles: 5, core: 2:1, nproc: 5k, files: 1}\n") ==
        "web.yaml:7:14: apps.web.limits.nofiles: unknown limit \"nofiles\" (did you mean \"nofile\"?)\n"
        "      limits: {nofiles: 5, core: 2:1, nproc: 5k, files: 1}\n"
        "               ^\n"
        "web.yaml:7:32: apps.web.limits.core: the soft limit is above the hard one\n"
        "      limits: {nofiles: 5, core: 2:1, nproc: 5k, files: 1}\n"
        "                                 ^\n"
        "web.yaml:7:44: apps.web.limits.nproc: \"5k\" is not a limit: write a number or infinity, for both "
        "or as "
        "SOFT:HARD\n"
        "      limits: {nofiles: 5, core: 2:1, nproc: 5k, files: 1}\n"
        "                                             ^\n"
        "web.yaml:7:48: apps.web.limits.files: unknown limit \"files\": as, core, cpu, data, fsize, locks, "
        "memlock, "
        "msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack\n"
        "      limits: {nofiles: 5, core: 2:1, nproc: 5k, files: 1}\n"
        "                                                 ^\n");
}

TEST_CASE("output") {
  CHECK(app_of("").output == core::Output::prefix);
  CHECK(app_of("    output: inherit\n").output == core::Output::inherit);
}
