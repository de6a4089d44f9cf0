// Goal: rollouts of every kind, and what goes wrong in them, leave new connections with those who serve.

#include <doctest/doctest.h>

#include "steering_stage.hpp"

using namespace stage;

TEST_CASE("of two that were asked for, the one that was done is in force where the other one fails") {
  Stage s;
  run_steered(s, steered_policy(2));
  s.step(RestartAsked{.request = RequestId{1}, .app = kWeb, .slot = 1});
  s.up(3);
  ASKS(s.killed(3, 9), R"(
    . worker_died g1/1 r1 w3 "killed by SIGKILL" | last words
    spawn w4 as g1/1 of r1
    . worker_starting g1/1 r1 w4 30s
    steer web to w1
  )");
  steered(s);
  not_steered(s);
  ASKS(s.pass(1s), R"(
    +1s
    steer web to w1
  )");
}

TEST_CASE("an aborted upgrade's workers are starved once new connections go back") {
  Stage s;
  upgrade_to_w2(s, steered_policy(1));
  ASKS(s.step(AbortAsked{RequestId{2}, kWeb}), R"(
    . rollout_failed g2 r2 upgrade (aborted)
    . worker_draining g2/0 r2 w2 1m
    . generation_draining g2 r2 1m x1
    . rollout_rolled_back g2 r2 upgrade (aborted)
    answer 2: done; g1 r1 1/1
    answer 1: rolled_back (aborted); g1 r1 1/1
    steer web to w1
  )");
  SUBCASE("both are done") {
    CHECK(steered(s).empty());
    ASKS(steered(s), R"(
      starve w2
    )");
  }
  SUBCASE("the way back fails: w2 gets new connections") {
    CHECK(steered(s).empty());
    ASKS(not_steered(s), R"(
      . steer_failed g1 r1 (steer_failed) "setsockopt: Cannot allocate memory"
    )");
    ASKS(s.pass(1s), R"(
      +1s
      steer web to w1
    )");
    ASKS(steered(s), R"(
      starve w2
    )");
  }
}

TEST_CASE("with less surge new workers serve as they get ready, beside the old ones") {
  Stage s;
  run_steered(s, rolling_steered(2, 1, 0));
  s.upgrade(rolling_steered(2, 1, 0));
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g2/0 r2 w3
    . worker_draining g1/0 r1 w1 1m
    spawn w4 as g2/1 of r2
    . worker_starting g2/1 r2 w4 30s
    steer web to w2 w3
  )");
  ASKS(steered(s), R"(
    starve w1
  )");
  ASKS(s.up(4), R"(
    reassert listeners of web
    . worker_ready g2/1 r2 w4
    steer web to w3 w4
  )");
  SUBCASE("it commits") {
    ASKS(steered(s), R"(
      . generation_ready g2 r2 x2
      . generation_draining g1 r1 1m x2
      . worker_draining g1/1 r1 w2 1m
      . rollout_done g2 r2 upgrade x2
      answer 1: done; g2 r2 2/2
      starve w2
    )");
  }
  SUBCASE("it cannot be steered to, and the old ones come back") {
    ASKS(not_steered(s), R"(
      . rollout_failed g2 r2 upgrade (steer_failed) "setsockopt: Cannot allocate memory"
      . worker_draining g2/0 r2 w3 1m
      spawn w5 as g1/0 of r1
      . worker_starting g1/0 r1 w5 30s
      steer web to w2 w4
    )");
    ASKS(steered(s), R"(
      starve w3
    )");
    ASKS(s.up(5), R"(
      reassert listeners of web
      . worker_ready g1/0 r1 w5
      . worker_draining g2/1 r2 w4 1m
      . generation_draining g2 r2 1m x2
      . rollout_rolled_back g2 r2 upgrade (steer_failed) "setsockopt: Cannot allocate memory"
      answer 1: rolled_back (steer_failed) "setsockopt: Cannot allocate memory"; g1 r1 2/2
      steer web to w2 w5
    )");
    ASKS(steered(s), R"(
      starve w4
    )");
  }
}

TEST_CASE("with no surge at all clients wait in the new worker's queue") {
  Stage s;
  run_steered(s, rolling_steered(1, 0, 1));
  ASKS(s.upgrade(rolling_steered(1, 0, 1)), R"(
    prepare web r2 for request 1
    . rollout_started g2 r2 upgrade x1
    . worker_draining g1/0 r1 w1 1m
    spawn w2 as g2/0 of r2
    . worker_starting g2/0 r2 w2 30s
    steer web to w2
  )");
  ASKS(steered(s), R"(
    starve w1
  )");
  ASKS(s.up(2), R"(
    reassert listeners of web
    . worker_ready g2/0 r2 w2
    . generation_ready g2 r2 x1
    . generation_draining g1 r1 1m x1
    . rollout_done g2 r2 upgrade x1
    answer 1: done; g2 r2 1/1
  )");
}

TEST_CASE("an upgrade without overlap steers to the new ones at once") {
  AppPolicy policy = steered_policy(1);
  policy.overlap = false;
  Stage s;
  run_steered(s, policy);
  ASKS(s.upgrade(policy), R"(
    prepare web r2 for request 1
    . rollout_started g2 r2 upgrade x1
    . rollout_stops_old g1 r1 x1
    signal w1 TERM
    . worker_stopping g1/0 r1 w1 TERM 10s
    spawn w2 as g2/0 of r2
    . worker_starting g2/0 r2 w2 30s
    steer web to w2
  )");
}

TEST_CASE("while old workers serve, new ones get nothing; where none is left, those that are ready do") {
  Stage s;
  run_steered(s, steered_policy(1));
  s.upgrade(steered_policy(2));
  CHECK(s.up(2).find("steer") == std::string::npos);
  CHECK(s.killed(1, 9).find("steer web to w2\n") != std::string::npos);
  steered(s);
  CHECK(s.up(4).find("steer web to w4\n") != std::string::npos);
}

TEST_CASE("a crashed worker's successor gets new connections when it is ready") {
  Stage s;
  run_steered(s, steered_policy(1));
  ASKS(s.killed(1, 9), R"(
    . worker_died g1/0 r1 w1 "killed by SIGKILL" | last words
    spawn w2 as g1/0 of r1
    . worker_starting g1/0 r1 w2 30s
    steer web to w2
  )");
  steered(s);
  ASKS(s.up(2), R"(
    reassert listeners of web
    . worker_ready g1/0 r1 w2
  )");
}

TEST_CASE("one that leaves by itself gets nothing new, and is not starved: it has stopped accepting") {
  Stage s;
  run_steered(s, steered_policy(2));
  s.pass(1h);
  ASKS(s.step(WorkerStopping{WorkerId{1}}), R"(
    . worker_draining g1/0 r1 w1 1m "it leaves by itself"
    spawn w3 as g1/0 of r1
    . worker_starting g1/0 r1 w3 30s
    steer web to w2
  )");
  CHECK(steered(s).empty());
}

TEST_CASE("a start that cannot be steered to fails") {
  AppPolicy policy = steered_policy(1);
  const auto begin = [&](Stage& s) {
    s.step(Begun{});
    s.prepared(1, policy);
    ASKS(not_steered(s), R"(
      . steer_failed g1 r1 (steer_failed) "setsockopt: Cannot allocate memory"
    )");
    ASKS(s.up(1), R"(
      reassert listeners of web
      . worker_ready g1/0 r1 w1
    )");
    CHECK(s.web().waiting_for == "new connections to be steered to g1");
    ASKS(s.pass(1s), R"(
      +1s
      steer web to w1
    )");
  };
  SUBCASE("and the master with it") {
    Stage s;
    begin(s);
    ASKS(not_steered(s), R"(
      . app_failed g1 r1 start (steer_failed) "setsockopt: Cannot allocate memory"
      . app_stopping
      quiesce listeners of web
      . shutdown_started
    )");
    CHECK(s.core().snapshot().shutting_down);
  }
  SUBCASE("or is tried again, and stands in no one's way") {
    Stage s({.on_start_failure = OnStartFailure::retry});
    begin(s);
    not_steered(s);
    ASKS(s.step(UpgradeAsked{.request = RequestId{1}, .app = kWeb}), R"(
      prepare web r2 for request 1
    )");
    ASKS(s.pass(1s), R"(
      +1s
      steer web to w1
    )");
    steered(s);
    CHECK(s.step(ReleaseRefused{kWeb, ReleaseId{2}, "no"}).find("app_running g1 r1 start x1") != std::string::npos);
    CHECK(s.web().state == AppState::running);
  }
}

TEST_CASE("at a stop nobody is left to steer to, and all are starved at once") {
  Stage s;
  run_steered(s, steered_policy(2));
  ASKS(s.step(StopAsked{.request = RequestId{1}, .app = kWeb}), R"(
    . app_stopping g1 r1
    quiesce listeners of web
  )");
  ASKS(s.step(ListenersQuiet{kWeb}), R"(
    . generation_draining g1 r1 1m x2
    . worker_draining g1/0 r1 w1 1m
    . worker_draining g1/1 r1 w2 1m
    starve w1
    starve w2
  )");
}

TEST_CASE("a worker that is asked to drain before its program runs is starved when it does") {
  Stage s;
  run_steered(s, steered_policy(1));
  s.upgrade(steered_policy(1));
  CHECK(s.step(AbortAsked{RequestId{2}, kWeb}).find("starve") == std::string::npos);
  ASKS(s.launched(2), R"(
    starve w2
  )");
}

TEST_CASE("a worker leaves by the rules of its own release") {
  Stage s;
  run_steered(s, steered_policy(1, Leaving::stopped_when_empty));
  s.upgrade(steered_policy(1));
  s.up(2);
  CHECK(steered(s).find("starve w1") != std::string::npos);
  ASKS(s.step(WorkerStarved{WorkerId{1}}), "");
  ASKS(s.step(WorkerEmpty{WorkerId{1}}), R"(
    signal w1 TERM
    . worker_stopping g1/0 r1 w1 TERM 10s
  )");
}

TEST_CASE("a release that lists no steered listener any more is steered to by nobody, and commits") {
  Stage s;
  run_steered(s, steered_policy(1));
  s.upgrade(policy_of(1));
  ASKS(s.up(2), R"(
    reassert listeners of web
    . worker_ready g2/0 r2 w2
    . generation_ready g2 r2 x1
    . generation_draining g1 r1 1m x1
    . worker_draining g1/0 r1 w1 1m
    . rollout_done g2 r2 upgrade x1
    answer 1: done; g2 r2 1/1
    starve w1
  )");
}

TEST_CASE("one that begins to list one has no old workers that could be steered to") {
  Stage s;
  s.run_web(policy_of(1));
  ASKS(s.upgrade(steered_policy(1)), R"(
    prepare web r2 for request 1
    . rollout_started g2 r2 upgrade x1
    spawn w2 as g2/0 of r2
    . worker_starting g2/0 r2 w2 30s
    steer web to w2
  )");
  ASKS(s.up(2), R"(
    reassert listeners of web
    . worker_ready g2/0 r2 w2
  )");
  ASKS(steered(s), R"(
    . generation_ready g2 r2 x1
    . generation_draining g1 r1 1m x1
    ask w1 to drain in 1m
    . worker_draining g1/0 r1 w1 1m
    . rollout_done g2 r2 upgrade x1
    answer 1: done; g2 r2 1/1
  )");
}

TEST_CASE("answers that nobody waits for are ignored") {
  Stage s;
  run_steered(s, steered_policy(1));
  CHECK(steered(s).empty());
  CHECK(not_steered(s).empty());
  CHECK(s.step(WorkerStarved{WorkerId{1}}).empty());
  CHECK(s.step(WorkerEmpty{WorkerId{1}}).empty());
  CHECK(s.step(Steered{AppId{9}}).empty());
}
