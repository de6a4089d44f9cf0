// Goal: `wait` and `shutdown`, the requests that only wait for what happens.

#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

namespace {

WaitAsked wait_for(WaitLevel level) { return {.request = RequestId{7}, .app = kWeb, .level = level}; }

}  // namespace

TEST_CASE("waiting for what is there already is answered at once") {
  Stage s;
  s.run_web(policy_of(1));
  for (const WaitLevel level :
       {WaitLevel::none, WaitLevel::ready, WaitLevel::committed, WaitLevel::drained}) {
    ASKS(s.step(wait_for(level)), R"(answer 7: done; g1 r1 1/1)");
  }
}

TEST_CASE("whoever waits for a rollout is answered as its requester is") {
  Stage s;
  s.run_web(policy_of(1));
  s.upgrade(policy_of(1));
  s.step(wait_for(WaitLevel::committed));
  SUBCASE("done") {
    ASKS(s.up(2), kPlainUpgradeDone + R"(
      answer 1: done; g2 r2 1/1
      answer 7: done; g2 r2 1/1
    )");
  }
  SUBCASE("rolled back") {
    ASKS(s.launch_failed(2), R"(
      . worker_launch_failed g2/0 r2 w2 (exec_failed) "exec ./server: No such file or directory"
      . rollout_failed g2/0 r2 w2 upgrade (exec_failed) "exec ./server: No such file or directory"
      . rollout_rolled_back g2/0 r2 w2 upgrade (exec_failed) "exec ./server: No such file or directory"
      answer 1: rolled_back (exec_failed) slot 0 "exec ./server: No such file or directory"; g1 r1 1/1
      answer 7: rolled_back (exec_failed) slot 0 "exec ./server: No such file or directory"; g1 r1 1/1
      . generation_gone g2 r2
      drop web r2
    )");
  }
}

TEST_CASE("waiting for ready waits for every slot") {
  Stage s;
  s.run_web(policy_of(1));
  s.killed(1, 9);
  CHECK(s.step(wait_for(WaitLevel::ready)).empty());
  SUBCASE("which becomes ready") {
    ASKS(s.up(2), R"(
      reassert listeners of web
      . worker_ready g1/0 r1 w2
      answer 7: done; g1 r1 1/1
    )");
  }
  SUBCASE("or is stopped") {
    ASKS(s.step(StopAsked{.request = RequestId{8}, .app = kWeb, .now = true}), R"(
      . app_stopping g1 r1
      . generation_draining g1 r1 1m x1
      signal w2 TERM
      . worker_stopping g1/0 r1 w2 TERM 10s
      answer 7: failed (not_running); g1 r1 0/0
    )");
  }
}

TEST_CASE("waiting for ready ends where a slot gives up") {
  AppPolicy policy = policy_of(2);
  policy.restart_limit = RestartLimit{2, 60s};
  Stage s;
  s.run_web(policy);
  s.killed(1, 9);
  s.step(wait_for(WaitLevel::ready));
  ASKS(s.launch_failed(3), R"(
    . worker_launch_failed g1/0 r1 w3 (exec_failed) "exec ./server: No such file or directory"
    . slot_gave_up g1/0 r1 (gave_up) x1 "exec ./server: No such file or directory"
    answer 7: failed (gave_up); g1 r1 1/2
  )");
  s.killed(2, 9);
  s.launch_failed(4);
  ASKS(s.step(wait_for(WaitLevel::ready)), R"(
    answer 7: failed (gave_up); g1 r1 0/2
  )");
}

TEST_CASE("waiting for drained waits for every draining generation") {
  Stage s;
  s.run_web(policy_of(1));
  s.upgrade(policy_of(1));
  s.up(2);
  s.upgrade(policy_of(1), 3);
  s.up(3);
  s.step(wait_for(WaitLevel::drained));
  s.exited(2);
  ASKS(s.exited(1), R"(
    . worker_exited g1/0 r1 w1 "exit status 0"
    . generation_gone g1 r1
    answer 7: done; g3 r3 1/1
    drop web r1
  )");
}

TEST_CASE("a shutdown stops everything and exits") {
  Stage s({.second_app = true});
  s.step(Begun{});
  s.prepared(1, policy_of(1));
  s.prepared(1, policy_of(1), kApi);
  s.all_up(1, 2);
  s.step(UpgradeAsked{.request = RequestId{1}, .app = kWeb});
  ASKS(s.step(ShutdownAsked{.request = RequestId{2}}), R"(
    . shutdown_started
    . app_stopping g1 r1
    . rollout_failed r2 upgrade (shutting_down)
    answer 1: failed (shutting_down); g1 r1 1/1
    quiesce listeners of web
    . app_stopping g1 r1
    quiesce listeners of api
  )");
  ASKS(s.step(UpgradeAsked{.request = RequestId{3}, .app = kApi}), R"(
    answer 3: failed (shutting_down); g1 r1 1/0
  )");
  CHECK(s.step(ShutdownAsked{.request = RequestId{4}}).empty());
  CHECK(s.core().snapshot().shutting_down);
  s.step(ListenersQuiet{kWeb});
  s.step(ListenersQuiet{kApi});
  s.exited(1);
  ASKS(s.exited(2), R"(
    . worker_exited g1/0 r1 w2 "exit status 0"
    . generation_gone g1 r1
    close listeners of api
    . app_stopped
    . shutdown_done
    answer 2: done; 0/0
    answer 4: done; 0/0
    exit 0
  )");
  ASKS(s.step(UpgradeAsked{.request = RequestId{5}, .app = kApi}), R"(
    answer 5: failed (shutting_down); 0/0
  )");
}

TEST_CASE("a shutdown's drain ends at its time-out") {
  Stage s({.shutdown = {.delay = 0s, .timeout = 20s}});
  s.run_web(policy_of(1));
  s.step(ShutdownAsked{});
  s.step(ListenersQuiet{kWeb});
  ASKS(s.pass(30s), R"(
    +20s
    . generation_cut g1 r1 x1 "the app is stopped at once"
    . worker_stopping g1/0 r1 w1 10s
    +30s
    signal w1 KILL to its tree
    . worker_killed g1/0 r1 w1
  )");
}

TEST_CASE("a shutdown with a delay goes on serving that long") {
  Stage s({.shutdown = {.delay = 5s, .timeout = 20s}});
  s.run_web(policy_of(1));
  ASKS(s.step(ShutdownAsked{}), R"(
    . shutdown_started 5s
  )");
  CHECK(s.web().state == AppState::running);
  SUBCASE("to its end") {
    ASKS(s.pass(5s), R"(
      +5s
      . app_stopping g1 r1
      quiesce listeners of web
    )");
  }
  SUBCASE("or until it is hurried") {
    ASKS(s.step(ShutdownAsked{.now = true}), R"(
      . app_stopping g1 r1
      . generation_draining g1 r1 1m x1
      signal w1 TERM
      . worker_stopping g1/0 r1 w1 TERM 10s
    )");
  }
}

TEST_CASE("a shutdown that is hurried stops what drains at once") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(ShutdownAsked{});
  s.step(ListenersQuiet{kWeb});
  ASKS(s.step(ShutdownAsked{.now = true}), R"(
    . generation_cut g1 r1 x1 "the app is stopped at once"
    . worker_stopping g1/0 r1 w1 10s
  )");
}

TEST_CASE("a shutdown without anything to stop exits at once") {
  Stage s;
  s.step(Begun{});
  s.step(ReleaseRefused{kWeb, ReleaseId{1}, "no"});
  Stage fresh({.on_start_failure = OnStartFailure::retry});
  fresh.step(Begun{});
  ASKS(fresh.step(ShutdownAsked{}), R"(
    . shutdown_started
    . app_stopping
    close listeners of web
    . app_stopped
    . shutdown_done
    exit 0
  )");
}

TEST_CASE("an app that is not there is refused") {
  Stage s;
  s.run_web(policy_of(1));
  ASKS(s.step(UpgradeAsked{.request = RequestId{1}, .app = AppId{9}}), R"(
    answer 1: bad_usage "no such app"; 0/0
  )");
}
