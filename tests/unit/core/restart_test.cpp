// Goal: restart in its three ways: the whole app, one slot, and at once.

#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

TEST_CASE("a restart is a new generation of the same release") {
  Stage s;
  s.run_web(policy_of(1));
  ASKS(s.step(RestartAsked{.request = RequestId{1}, .app = kWeb}), R"(
    . rollout_started g2 r1 restart x1
    spawn w2 as g2/0 of r1
    . worker_starting g2/0 r1 w2 30s
  )");
  ASKS(s.up(2), R"(
    reassert listeners of web
    . worker_ready g2/0 r1 w2
    . generation_ready g2 r1 x1
    . generation_draining g1 r1 1m x1
    ask w1 to drain in 1m
    . worker_draining g1/0 r1 w1 1m
    . rollout_done g2 r1 restart x1
    answer 1: done; g2 r1 1/1
  )");
}

TEST_CASE("a restart that fails is rolled back") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(RestartAsked{.request = RequestId{1}, .app = kWeb});
  ASKS(s.launch_failed(2), R"(
    . worker_launch_failed g2/0 r1 w2 (exec_failed) "exec ./server: No such file or directory"
    . rollout_failed g2/0 r1 w2 restart (exec_failed) "exec ./server: No such file or directory"
    . rollout_rolled_back g2/0 r1 w2 restart (exec_failed) "exec ./server: No such file or directory"
    answer 1: rolled_back (exec_failed) slot 0 "exec ./server: No such file or directory"; g1 r1 1/1
    . generation_gone g2 r1
  )");
}

TEST_CASE("a slot is restarted by a second worker that takes over when it is ready") {
  Stage s;
  s.run_web(policy_of(2));
  ASKS(s.step(RestartAsked{.request = RequestId{1}, .app = kWeb, .slot = 1}), R"(
    . rollout_started g1/1 r1 restart x1
    spawn w3 as g1/1 of r1
    . worker_starting g1/1 r1 w3 30s
  )");
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g1/1 r1 w3
    ask w2 to drain in 1m
    . worker_draining g1/1 r1 w2 1m
    . rollout_done g1/1 r1 restart x2
    answer 1: done; g1 r1 2/2
  )");
}

TEST_CASE("a slot's second worker that fails leaves the first one untouched") {
  Stage s;
  s.run_web(policy_of(2));
  s.step(RestartAsked{.request = RequestId{1}, .app = kWeb, .slot = 1});
  ASKS(s.launch_failed(3), R"(
    . worker_launch_failed g1/1 r1 w3 (exec_failed) "exec ./server: No such file or directory"
    . rollout_failed g1/1 r1 w3 restart (exec_failed) "exec ./server: No such file or directory"
    . rollout_rolled_back g1/1 r1 w3 restart (exec_failed) "exec ./server: No such file or directory"
    answer 1: rolled_back (exec_failed) slot 1 "exec ./server: No such file or directory"; g1 r1 2/2
  )");
}

TEST_CASE("a slot's second worker takes over at once when the first one dies") {
  Stage s;
  s.run_web(policy_of(2));
  s.step(RestartAsked{.request = RequestId{1}, .app = kWeb, .slot = 1});
  ASKS(s.killed(2, 9), R"(
    . worker_died g1/1 r1 w2 "killed by SIGKILL" | last words
  )");
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g1/1 r1 w3
    . rollout_done g1/1 r1 restart x2
    answer 1: done; g1 r1 2/2
  )");
}

TEST_CASE("without surge a slot's worker goes first, but only while enough others are ready") {
  Stage s;
  s.run_web(rolling_policy(2, 0, 1));
  s.killed(1, 9);
  ASKS(s.step(RestartAsked{.request = RequestId{1}, .app = kWeb, .slot = 1}), R"(
    . rollout_started g1/1 r1 restart x1
  )");
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g1/0 r1 w3
    ask w2 to drain in 1m
    . worker_draining g1/1 r1 w2 1m
    spawn w4 as g1/1 of r1
    . worker_starting g1/1 r1 w4 30s
  )");
  ASKS(s.launch_failed(4), R"(
    . worker_launch_failed g1/1 r1 w4 (exec_failed) "exec ./server: No such file or directory"
    . rollout_failed g1/1 r1 w4 restart (exec_failed) "exec ./server: No such file or directory"
    . slot_backoff g1/1 r1 (exec_failed) 100ms x1 "exec ./server: No such file or directory"
  )");
  ASKS(s.pass(100ms), R"(
    +100ms
    spawn w5 as g1/1 of r1
    . worker_starting g1/1 r1 w5 30s
  )");
  ASKS(s.up(5), R"(
    reassert listeners of web
    . worker_ready g1/1 r1 w5
    . rollout_rolled_back g1/1 r1 w4 restart (exec_failed) "exec ./server: No such file or directory"
    answer 1: rolled_back (exec_failed) slot 1 "exec ./server: No such file or directory"; g1 r1 2/2
  )");
}

TEST_CASE("restart --now stops every worker and fills its slot as soon as it has exited") {
  Stage s;
  s.run_web(policy_of(2));
  ASKS(s.step(RestartAsked{.request = RequestId{1}, .app = kWeb, .now = true}), R"(
    . rollout_started g1 r1 restart x2
    signal w1 TERM
    . worker_stopping g1/0 r1 w1 TERM 10s
    signal w2 TERM
    . worker_stopping g1/1 r1 w2 TERM 10s
  )");
  ASKS(s.killed(1, 15), R"(
    . worker_exited g1/0 r1 w1 "killed by SIGTERM"
    spawn w3 as g1/0 of r1
    . worker_starting g1/0 r1 w3 30s
  )");
  s.up(3);
  ASKS(s.killed(2, 15, false), R"(
    . worker_exited g1/1 r1 w2 "killed by SIGTERM"
    . worker_leftovers g1/1 r1 w2
    signal w2 TERM to its tree
    spawn w4 as g1/1 of r1
    . worker_starting g1/1 r1 w4 30s
  )");
  ASKS(s.up(4), R"(
    reassert listeners of web
    . worker_ready g1/1 r1 w4
    . rollout_done g1 r1 restart x2
    answer 1: done; g1 r1 2/2
  )");
}

TEST_CASE("restart --now of one slot leaves the others alone") {
  Stage s;
  s.run_web(policy_of(2));
  ASKS(s.step(RestartAsked{.request = RequestId{1}, .app = kWeb, .slot = 1, .now = true}), R"(
    . rollout_started g1/1 r1 restart x1
    signal w2 TERM
    . worker_stopping g1/1 r1 w2 TERM 10s
  )");
  s.killed(2, 15);
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g1/1 r1 w3
    . rollout_done g1/1 r1 restart x2
    answer 1: done; g1 r1 2/2
  )");
}

TEST_CASE("restart --now has nothing to go back to: it fails, and its slots are supervised as always") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(RestartAsked{.request = RequestId{1}, .app = kWeb, .now = true});
  s.killed(1, 15);
  ASKS(s.launch_failed(2), R"(
    . worker_launch_failed g1/0 r1 w2 (exec_failed) "exec ./server: No such file or directory"
    . rollout_failed g1/0 r1 w2 restart (exec_failed) "exec ./server: No such file or directory"
    answer 1: failed (exec_failed) slot 0 "exec ./server: No such file or directory"; g1 r1 0/1
    . slot_backoff g1/0 r1 (exec_failed) 100ms x1 "exec ./server: No such file or directory"
  )");
}

TEST_CASE("an aborted restart --now is rolled back when its slots are ready again") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(RestartAsked{.request = RequestId{1}, .app = kWeb, .now = true});
  ASKS(s.step(AbortAsked{RequestId{2}, kWeb}), R"(
    . rollout_failed g1 r1 restart (aborted)
  )");
  s.killed(1, 15);
  ASKS(s.up(2), R"(
    reassert listeners of web
    . worker_ready g1/0 r1 w2
    . rollout_rolled_back g1 r1 restart (aborted)
    answer 2: done; g1 r1 1/1
    answer 1: rolled_back (aborted); g1 r1 1/1
  )");
}

TEST_CASE("a slot that is not there cannot be restarted") {
  Stage s;
  s.run_web(policy_of(2));
  ASKS(s.step(RestartAsked{.request = RequestId{1}, .app = kWeb, .slot = 2}), R"(
    answer 1: bad_usage (no_such_slot) "the slots are 0 to 1"; g1 r1 2/2
  )");
}

TEST_CASE("an app that gave up is restarted without anything serving beside it") {
  AppPolicy policy = policy_of(1);
  policy.restart_limit = RestartLimit{1, 60s};
  Stage s;
  s.run_web(policy);
  s.killed(1, 9);
  CHECK(s.web().state == AppState::failed);
  SUBCASE("as a whole") {
    s.step(RestartAsked{.request = RequestId{1}, .app = kWeb});
    ASKS(s.up(2), R"(
      reassert listeners of web
      . worker_ready g2/0 r1 w2
      . generation_ready g2 r1 x1
      . rollout_done g2 r1 restart x1
      answer 1: done; g2 r1 1/1
      . generation_gone g1 r1
    )");
  }
  SUBCASE("one slot") {
    s.step(RestartAsked{.request = RequestId{1}, .app = kWeb, .slot = 0});
    ASKS(s.up(2), R"(
      reassert listeners of web
      . worker_ready g1/0 r1 w2
      . rollout_done g1/0 r1 restart x1
      answer 1: done; g1 r1 1/1
    )");
  }
  SUBCASE("and fails again") {
    s.step(RestartAsked{.request = RequestId{1}, .app = kWeb});
    ASKS(s.launch_failed(2), R"(
      . worker_launch_failed g2/0 r1 w2 (exec_failed) "exec ./server: No such file or directory"
      . rollout_failed g2/0 r1 w2 restart (exec_failed) "exec ./server: No such file or directory"
      . rollout_rolled_back g2/0 r1 w2 restart (exec_failed) "exec ./server: No such file or directory"
      answer 1: rolled_back (exec_failed) slot 0 "exec ./server: No such file or directory"; g1 r1 0/1
      . app_failed g1 r1 (gave_up)
      . generation_gone g2 r1
    )");
    CHECK(s.web().state == AppState::failed);
  }
}
