// Goal: an upgrade of an app with a pre_upgrade hook begins when the hook has passed, and not otherwise.

#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

namespace {

std::string ask(Stage& s, std::uint64_t request, Duration timeout = kForever) {
  return s.step(UpgradeAsked{.request = RequestId{request}, .app = kWeb, .timeout = timeout, .hook = true});
}

std::string passed(Stage& s, std::uint64_t request, std::optional<std::string> target = std::nullopt) {
  return s.step(HookEnded{.app = kWeb, .request = RequestId{request}, .ok = true, .target = std::move(target)});
}

std::string failed(Stage& s, std::uint64_t request) {
  return s.step(HookEnded{.app = kWeb,
                          .request = RequestId{request},
                          .text = "./pull.sh: exited with status 3",
                          .last_lines = {"no route to host"}});
}

}  // namespace

TEST_CASE("the release is made when the hook has passed, with the target that it has chosen") {
  Stage s;
  s.run_web(policy_of(1));
  ASKS(ask(s, 1), R"(
    . hook_started upgrade
    run hook of web for request 1
  )");
  CHECK(s.web().state == AppState::upgrading);
  CHECK(s.web().waiting_for == "the pre_upgrade hook to end");
  SUBCASE("none") {
    ASKS(passed(s, 1), R"(
      prepare web r2 for request 1
    )");
    ASKS(passed(s, 1), "");
  }
  SUBCASE("another one") {
    ASKS(passed(s, 1, "/srv/b"), R"(
      prepare web r2 for request 1 to /srv/b
    )");
  }
}

TEST_CASE("a hook that fails ends the upgrade with what it wrote, and nothing has changed") {
  Stage s;
  s.run_web(policy_of(1));
  ask(s, 1);
  ASKS(failed(s, 1), R"(
    . rollout_failed upgrade (hook_failed) "./pull.sh: exited with status 3" | no route to host
    answer 1: failed (hook_failed) "./pull.sh: exited with status 3" | no route to host; g1 r1 1/1
  )");
  CHECK(s.web().state == AppState::running);
  CHECK(s.web().history.back().reason == Reason::hook_failed);
  ASKS(s.step(UpgradeAsked{.request = RequestId{2}, .app = kWeb}), R"(
    prepare web r2 for request 2
  )");
}

TEST_CASE("an abort stops the hook; what it says later is ignored, also by the next upgrade") {
  Stage s;
  s.run_web(policy_of(1));
  ask(s, 1);
  ASKS(s.step(AbortAsked{RequestId{2}, kWeb}), R"(
    . rollout_failed upgrade (aborted)
    stop hook of web for request 1
    answer 2: done; g1 r1 1/1
    answer 1: rolled_back (aborted); g1 r1 1/1
  )");
  ASKS(passed(s, 1), "");
  ask(s, 3);
  ASKS(failed(s, 1), "");
  ASKS(passed(s, 1), "");
  ASKS(passed(s, 3), R"(
    prepare web r2 for request 3
  )");
}

TEST_CASE("a second upgrade meanwhile is refused, and the first one goes on") {
  Stage s;
  s.run_web(policy_of(1));
  ask(s, 1);
  ASKS(ask(s, 2), R"(
    answer 2: busy (busy); g1 r1 1/1
  )");
  ASKS(passed(s, 1), R"(
    prepare web r2 for request 1
  )");
}

TEST_CASE("whoever does not wait long enough is told so, and the upgrade goes on") {
  Stage s;
  s.run_web(policy_of(1));
  ask(s, 1, 2s);
  ASKS(s.pass(3s), R"(
    +2s
    answer 1: timed_out (timed_out); g1 r1 1/1
  )");
  ASKS(passed(s, 1), R"(
    prepare web r2 for request 1
  )");
}

TEST_CASE("the app's stop and the master's end stop the hook") {
  Stage s;
  s.run_web(policy_of(1));
  ask(s, 1);
  SUBCASE("stop") {
    CHECK(s.step(StopAsked{.request = RequestId{2}, .app = kWeb, .now = true})
              .find("stop hook of web for request 1") != std::string::npos);
  }
  SUBCASE("shutdown") {
    CHECK(s.step(ShutdownAsked{std::nullopt, true}).find("stop hook of web for request 1") != std::string::npos);
  }
  ASKS(passed(s, 1), "");
}

TEST_CASE("a first start in trouble is not disturbed by a hook that fails") {
  Stage s({.on_start_failure = OnStartFailure::retry});
  s.step(Begun{});
  s.prepared(1, policy_of(1));
  s.launch_failed(1);
  ask(s, 1);
  CHECK(failed(s, 1).find("answer 1: failed (hook_failed)") != std::string::npos);
  CHECK(s.web().state == AppState::starting);
}
