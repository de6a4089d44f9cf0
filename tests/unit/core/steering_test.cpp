// Goal: the workers of an app with steered listeners get new connections when they serve and not when they do not, by
// the shell's word; one that leaves is starved first, and is asked to drain no sooner than its kind allows.

#include <doctest/doctest.h>

#include "steering_stage.hpp"

using namespace stage;

TEST_CASE("at a start clients wait in the queues of those that start, then of those that are ready") {
  Stage s;
  s.step(Begun{});
  ASKS(s.prepared(1, steered_policy(2)), R"(
    spawn w1 as g1/0 of r1
    . worker_starting g1/0 r1 w1 30s
    spawn w2 as g1/1 of r1
    . worker_starting g1/1 r1 w2 30s
    steer web to w1 w2
  )");
  CHECK(steered(s).empty());
  ASKS(s.up(1), R"(
    reassert listeners of web
    . worker_ready g1/0 r1 w1
    steer web to w1
  )");
  ASKS(s.up(2), R"(
    reassert listeners of web
    . worker_ready g1/1 r1 w2
    steer web to w1 w2
  )");
  CHECK(s.web().waiting_for == "new connections to be steered to g1");
  CHECK(steered(s).empty());
  ASKS(steered(s), R"(
    . generation_ready g1 r1 x2
    . app_running g1 r1 start x2
  )");
}

TEST_CASE("an upgrade commits when new connections go to the new generation alone") {
  Stage s;
  run_steered(s, steered_policy(2));
  ASKS(s.upgrade(steered_policy(2)), R"(
    prepare web r2 for request 1
    . rollout_started g2 r2 upgrade x2
    spawn w3 as g2/0 of r2
    . worker_starting g2/0 r2 w3 30s
    spawn w4 as g2/1 of r2
    . worker_starting g2/1 r2 w4 30s
  )");
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g2/0 r2 w3
  )");
  ASKS(s.up(4), R"(
    reassert listeners of web
    . worker_ready g2/1 r2 w4
    steer web to w3 w4
  )");
  CHECK(s.web().generation == GenerationId{1});
  CHECK(s.web().waiting_for == "new connections to be steered to g2");
  ASKS(steered(s), R"(
    . generation_ready g2 r2 x2
    . generation_draining g1 r1 1m x2
    . worker_draining g1/0 r1 w1 1m
    . worker_draining g1/1 r1 w2 1m
    . rollout_done g2 r2 upgrade x2
    answer 1: done; g2 r2 2/2
    starve w1
    starve w2
  )");
  CHECK(s.web().waiting_for.empty());
}

TEST_CASE("a worker that is asked when it is starved has the rest of its time to drain") {
  Stage s;
  starve_w1(s, steered_policy(1));
  s.pass(2s);
  ASKS(s.step(WorkerStarved{WorkerId{1}}), R"(
    ask w1 to drain in 58s
  )");
  ASKS(s.step(WorkerStarved{WorkerId{1}}), "");
  ASKS(s.step(WorkerEmpty{WorkerId{1}}), "");
  ASKS(s.pass(58s), R"(
    +58s
    signal w1 KILL to its tree
    . worker_killed g1/0 r1 w1
  )");
}

TEST_CASE("one whose queues do not become empty is asked after five seconds") {
  Stage s;
  starve_w1(s, steered_policy(1));
  ASKS(s.pass(5s), R"(
    +5s
    ask w1 to drain in 55s
  )");
  ASKS(s.step(WorkerStarved{WorkerId{1}}), "");
}

TEST_CASE("a worker that would cut its clients is asked when it is empty, and then has the time of a stop") {
  Stage s;
  starve_w1(s, steered_policy(1, Leaving::asked_when_empty));
  ASKS(s.step(WorkerStarved{WorkerId{1}}), "");
  ASKS(s.pass(20s), "");
  SUBCASE("when it is empty") {
    ASKS(s.step(WorkerEmpty{WorkerId{1}}), R"(
      ask w1 to drain in 10s
    )");
    ASKS(s.pass(10s), R"(
      +10s
      signal w1 KILL to its tree
      . worker_killed g1/0 r1 w1
    )");
  }
  SUBCASE("when its time is up it is stopped instead") {
    ASKS(s.pass(40s), R"(
      +40s
      signal w1 TERM
      . worker_stopping g1/0 r1 w1 TERM 10s
    )");
    ASKS(s.step(WorkerEmpty{WorkerId{1}}), "");
  }
  SUBCASE("just before its time is up, what is left of that") {
    s.pass(37s);
    ASKS(s.step(WorkerEmpty{WorkerId{1}}), R"(
      ask w1 to drain in 3s
    )");
  }
  SUBCASE("when an operator cuts it") {
    ASKS(s.step(DrainAsked{.request = RequestId{2}, .app = kWeb}), R"(
      . generation_cut g1 r1 x1 "by an operator"
      signal w1 TERM
      . worker_stopping g1/0 r1 w1 TERM 10s
      answer 2: done "1 worker told to stop"; g2 r2 1/1
    )");
    ASKS(s.step(WorkerEmpty{WorkerId{1}}), "");
  }
}

TEST_CASE("a worker that nothing asks to drain is stopped when it is empty") {
  Stage s;
  starve_w1(s, steered_policy(1, Leaving::stopped_when_empty));
  ASKS(s.step(WorkerStarved{WorkerId{1}}), "");
  s.pass(20s);
  SUBCASE("when it is empty") {
    ASKS(s.step(WorkerEmpty{WorkerId{1}}), R"(
      signal w1 TERM
      . worker_stopping g1/0 r1 w1 TERM 10s
    )");
  }
  SUBCASE("when its time is up") {
    ASKS(s.pass(40s), R"(
      +40s
      signal w1 TERM
      . worker_stopping g1/0 r1 w1 TERM 10s
    )");
  }
  ASKS(s.pass(10s), R"(
    +10s
    signal w1 KILL to its tree
    . worker_killed g1/0 r1 w1
  )");
}

TEST_CASE("a worker that is stopped while it is starved is not waited for any more") {
  AppPolicy policy = steered_policy(1);
  policy.drain_timeout = 2s;
  policy.stop_timeout = 20s;
  Stage s;
  starve_w1(s, policy);
  ASKS(s.pass(19s), R"(
    +2s
    signal w1 TERM
    . worker_stopping g1/0 r1 w1 TERM 20s
  )");
  ASKS(s.step(WorkerStarved{WorkerId{1}}), "");
}

TEST_CASE("an upgrade whose new workers cannot be steered to is rolled back, and the old ones never hear of it") {
  Stage s;
  upgrade_to_w2(s, steered_policy(1));
  ASKS(not_steered(s), R"(
    . rollout_failed g2 r2 upgrade (steer_failed) "setsockopt: Cannot allocate memory"
    . worker_draining g2/0 r2 w2 1m
    . generation_draining g2 r2 1m x1
    . rollout_rolled_back g2 r2 upgrade (steer_failed) "setsockopt: Cannot allocate memory"
    answer 1: rolled_back (steer_failed) "setsockopt: Cannot allocate memory"; g1 r1 1/1
    starve w2
  )");
  CHECK(s.workers() == lines(R"(
    w2 g2/0 draining
    w1 g1/0 ready
  )"));
  CHECK(s.web().history.back().reason == Reason::steer_failed);
  ASKS(s.pass(4s), "");
}

TEST_CASE("a failure at any other time is told and tried again, but not at once") {
  Stage s;
  run_steered(s, steered_policy(2));
  ASKS(s.killed(1, 9), R"(
    . worker_died g1/0 r1 w1 "killed by SIGKILL" | last words
    spawn w3 as g1/0 of r1
    . worker_starting g1/0 r1 w3 30s
    steer web to w2
  )");
  ASKS(not_steered(s), R"(
    . steer_failed g1 r1 (steer_failed) "setsockopt: Cannot allocate memory"
  )");
  SUBCASE("the same") {
    ASKS(s.pass(1s), R"(
      +1s
      steer web to w2
    )");
    not_steered(s);
    ASKS(s.pass(1s), R"(
      +1s
      steer web to w2
    )");
    steered(s);
    CHECK(s.core().next_deadline() == s.now() + 28s);
  }
  SUBCASE("or what is wanted then") {
    ASKS(s.up(3), R"(
      reassert listeners of web
      . worker_ready g1/0 r1 w3
    )");
    ASKS(s.pass(1s), R"(
      +1s
      steer web to w2 w3
    )");
  }
}

TEST_CASE("what need not be tried again wakes nobody") {
  Stage s;
  run_steered(s, steered_policy(1));
  s.step(ScaleAsked{.request = RequestId{1}, .app = kWeb, .count = 2});
  CHECK(s.up(2).find("steer web to w1 w2\n") != std::string::npos);
  not_steered(s);
  s.killed(2, 9);
  SUBCASE("before the time") { ASKS(s.pass(1s), ""); }
  SUBCASE("but what is wanted again waits its time") {
    s.pass(400ms);
    ASKS(s.up(3), R"(
      reassert listeners of web
      . worker_ready g1/1 r1 w3
    )");
    ASKS(s.pass(1s), R"(
      +600ms
      steer web to w1 w3
    )");
  }
}

TEST_CASE("a worker that leaves is starved only once nothing new can reach it") {
  Stage s;
  run_steered(s, steered_policy(2));
  s.step(RestartAsked{.request = RequestId{1}, .app = kWeb, .slot = 1});
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g1/1 r1 w3
    . worker_draining g1/1 r1 w2 1m
    . rollout_done g1/1 r1 restart x2
    answer 1: done; g1 r1 2/2
    steer web to w1 w3
  )");
  SUBCASE("by the shell's word") {
    ASKS(steered(s), R"(
      starve w2
    )");
  }
  SUBCASE("which may take some attempts") {
    not_steered(s);
    s.pass(1s);
    ASKS(s.step(WorkerStarved{WorkerId{2}}), "");
    not_steered(s);
    ASKS(s.pass(1s), R"(
      +1s
      steer web to w1 w3
    )");
    ASKS(steered(s), R"(
      starve w2
    )");
    ASKS(s.step(WorkerStarved{WorkerId{2}}), R"(
      ask w2 to drain in 58s
    )");
  }
  SUBCASE("but its time ends as it would") {
    for (int i = 0; i < 59; ++i) {
      not_steered(s);
      s.pass(1s);
    }
    ASKS(s.pass(1s), R"(
      +1s
      signal w2 TERM
      . worker_stopping g1/1 r1 w2 TERM 10s
    )");
  }
}
