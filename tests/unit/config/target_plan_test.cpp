// `liveswap -s TARGET …`: a plan without a file.
#include "config/target_plan.hpp"

#include "helpers.hpp"

using namespace liveswap;
using namespace liveswap::config;

namespace {

std::vector<std::string> refused(const TargetRequest& request) {
  auto plan = plan_for_target(request, test_facts());
  return plan ? std::vector<std::string>{} : plan.error();
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a target and a listener are enough") {
  auto plan = plan_for_target({.target = "server", .listeners = {"tcp://:8080"}}, test_facts());
  REQUIRE(plan);
  core::MasterPlan expected{.name = "default"};
  core::Address address{.kind = core::SocketKind::tcp, .host = "", .port = 8080, .text = "tcp://:8080"};
  expected.listeners.push_back({.name = "default", .addresses = {address}, .options = {}});
  core::AppPlan app{
      .name = "default", .target = "/home/me/server", .cwd = "/home/me", .listeners = {"default"}};
  app.protocol_chosen = true;
  app.policy.workers = 2;
  expected.apps.push_back(app);
  CHECK(*plan == expected);
}

TEST_CASE("all options of a target") {
  auto plan =
      plan_for_target({.target = "/srv/x",
                       .workers = 5,
                       .listeners = {"http=tcp://127.0.0.1:80", "unix:/run/a=b", "http=tcp://[::1]:80"},
                       .arguments = {"--fd", "${fd:http}"},
                       .name = "shop",
                       .control = "c.sock"},
                      test_facts());
  REQUIRE(plan);
  CHECK(plan->name == "shop");
  CHECK(plan->control.socket == "/home/me/c.sock");
  REQUIRE(plan->listeners.size() == 2);
  CHECK(plan->listeners[0].name == "http");
  CHECK(plan->listeners[0].addresses.size() == 2);
  CHECK(plan->listeners[1].name == "default");
  CHECK(plan->listeners[1].addresses[0].path == "/run/a=b");
  CHECK(plan->apps[0].command.empty());
  CHECK(plan->apps[0].arguments == Words{"--fd", "${fd:http}"});
  CHECK(plan->apps[0].listeners == Words{"http", "default"});
  CHECK(plan->apps[0].policy.workers == 5);
}

TEST_CASE("a hook before upgrades and a control port") {
  auto plan = plan_for_target({.target = "/srv/x",
                               .listeners = {"tcp://:80"},
                               .pre_upgrade = "/srv/x",
                               .port = 0,
                               .address = "::1"},
                              test_facts());
  REQUIRE(plan);
  CHECK(plan->apps[0].hooks.pre_upgrade == Words{"/srv/x"});
  REQUIRE(plan->control.tcp);
  CHECK(plan->control.tcp->host == "::1");
  CHECK(plan->control.tcp->port == 0);

  plan = plan_for_target({.target = "/srv/x", .listeners = {"tcp://:80"}, .address = "127.0.0.2"}, test_facts());
  REQUIRE(plan);
  CHECK(plan->control.tcp->host == "127.0.0.2");
  CHECK(plan->control.tcp->port == 3000);

  CHECK(refused({.target = "/srv/x",
                 .listeners = {"tcp://:80"},
                 .pre_upgrade = "/srv/missing",
                 .port = 70000,
                 .address = "192.0.2.1"}) ==
        Words{"-p 70000: a port is a number from 0 to 65535",
              "-a 192.0.2.1: only a loopback address, 127.0.0.1 or ::1, can be controlled by TCP",
              "--pre-upgrade /srv/missing: no such file"});
}

TEST_CASE("all mistakes are told, each with its option") {
  CHECK(refused({.target = "/srv/missing",
                 .workers = 0,
                 .listeners = {"8080", "a b=tcp://:80", "x=tcp://[::]:80"},
                 .arguments = {"${fd:y}"},
                 .name = "a/b",
                 .control = ""}) ==
        Words{"-n a/b: \"a/b\" is not a name: 1 to 64 letters, digits, dots, underscores and hyphens, the "
              "first a "
              "letter or digit",
              "--control : 1 to 107 bytes, as an absolute path",
              "-l 8080: \"8080\" is not an address (did you mean \"tcp://:8080\"?)",
              "-l a b=tcp://:80: \"a b\" is not a name: 1 to 64 letters, digits, dots, underscores and "
              "hyphens, the "
              "first a letter or digit",
              "-l tcp://:80 and -l tcp://[::]:80 exclude each other: it is the same address",
              "-f 0: 1 to 4096 workers", "-s /srv/missing: no such file",
              "argument \"${fd:y}\": ${fd:y}: there is no listener \"y\""});
}

TEST_CASE("a target is a program or a script, and what is no Node.js script binds by itself where it has no listener") {
  const auto alone = plan_for_target({.target = "/srv/x"}, test_facts());
  REQUIRE(alone);
  CHECK(alone->apps[0].protocol == core::Protocol::bind);
  CHECK(alone->apps[0].ready.when == core::ReadyWhen::listen);
  CHECK(alone->apps[0].policy.leaving == core::Leaving::asked_when_empty);
  CHECK(refused({.target = "a/directory", .listeners = {"tcp://:80"}}) ==
        Words{"-s a/directory: is a directory; a file says what to run of it: target: and command: in "
              "liveswap.yaml(5)"});
  CHECK(refused({.target = "a/text", .listeners = {"tcp://:80"}}) ==
        Words{"-s a/text: is not executable, and neither a #! line nor its ending says what runs it; known are .js "
              ".mjs .cjs .py .rb .pl .php"});
}

TEST_CASE("a Node.js script needs no listener, and speaks Node's protocol") {
  const auto plan = plan_for_target({.target = "index1.js", .arguments = {"-x"}}, test_facts());
  REQUIRE(plan);
  const core::AppPlan& app = plan->apps[0];
  CHECK(app.protocol == core::Protocol::node);
  CHECK(app.protocol_chosen);
  CHECK_FALSE(app.policy.drain_by_signal);
  CHECK(app.arguments == Words{"-x"});
  CHECK(app.policy.overlap);
  CHECK_FALSE(plan_for_target({.target = "index1.js", .overlap = false}, test_facts())->apps[0].policy.overlap);
  CHECK(refused({.target = "index1.js", .listeners = {"http=tcp://:80"}, .arguments = {"${fd:http}"}}) ==
        Words{"argument \"${fd:http}\": ${fd:http}: a node worker is handed no descriptors: it asks for them by "
              "listen()"});
}

TEST_CASE("what runs a script must be there") {
  Facts facts = test_facts();
  facts.environment = {"PATH=/missing"};
  facts.kind_of = [](const std::string& path) {
    return path.ends_with(".rb") ? PathKind::other : PathKind::missing;
  };
  const auto plan = plan_for_target({.target = "x.rb", .listeners = {"tcp://:80"}}, facts);
  REQUIRE_FALSE(plan);
  CHECK(plan.error() == Words{"-s x.rb: what runs it, \"ruby\" is in no directory of the app's PATH now"});
}

TEST_CASE("without -s it is what HEAD names") {
  Facts facts = test_facts();
  std::string head = "/srv/index2.js\n";
  facts.read_text = [&head](const std::string&) { return std::optional(head); };
  const auto plan = plan_for_target({.head = "HEAD"}, facts);
  REQUIRE(plan);
  CHECK(plan->apps[0].target == "/srv/index2.js");
  CHECK(plan->head == "/home/me/HEAD");
  CHECK(plan_for_target({.target = "index1.js", .head = "HEAD"}, facts)->apps[0].target == "/home/me/index1.js");
  const auto told = [&facts](const TargetRequest& request) {
    const auto refusal = plan_for_target(request, facts);
    return refusal ? Words{} : refusal.error();
  };
  head = "/srv/missing\n";
  CHECK(told({.head = "HEAD"}) == Words{"-H HEAD, which names /srv/missing: no such file"});
  head = "";
  CHECK(told({.head = "HEAD"}) == Words{"-H HEAD: is empty; -s TARGET says what to run first"});
  CHECK(told({.target = "index1.js", .head = "HEAD"}) == Words{});
  CHECK(told({.head = "missing"}) == Words{"-H missing: is not there yet; -s TARGET says what to run first"});
}

TEST_CASE("what is no HEAD file is not overwritten") {
  Facts facts = test_facts();
  facts.read_text = [](const std::string&) { return std::optional<std::string>("var http\nvar server\n"); };
  const auto refused_by = [&facts] {
    const auto plan = plan_for_target({.target = "index1.js", .head = "index1.js"}, facts);
    return plan ? Words{} : plan.error();
  };
  CHECK(refused_by() == Words{"-H index1.js: is no HEAD file, which is one line: the path of a target"});
  facts.read_text = [](const std::string&) { return std::optional<std::string>(); };
  CHECK(refused_by() == Words{"-H index1.js: cannot be read, or is no regular file"});
}
