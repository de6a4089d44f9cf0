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
  CHECK(plan->apps[0].command == Words{"${target}", "--fd", "${fd:http}"});
  CHECK(plan->apps[0].listeners == Words{"http", "default"});
  CHECK(plan->apps[0].policy.workers == 5);
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
              "-s /srv/missing: no such file", "-f 0: 1 to 4096 workers",
              "argument \"${fd:y}\": ${fd:y}: there is no listener \"y\""});
}

TEST_CASE("a target is a program, and a listener is needed") {
  CHECK(refused({.target = "x"}) == Words{"-s needs a listener, as -l tcp://:8080"});
  CHECK(refused({.target = "a/directory", .listeners = {"tcp://:80"}}) ==
        Words{"-s a/directory: is a directory; a file says what to run of it: target: and command: in "
              "liveswap.yaml(5)"});
  CHECK(refused({.target = "a/text", .listeners = {"tcp://:80"}}) == Words{"-s a/text: is not executable"});
}
