// Goal: with less than 100 % surge workers are exchanged few at a time, never fewer ready than
// max_unavailable allows, and a failure restores the old generation by the same rules run backwards.

#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

TEST_CASE("with a surge of one a new worker comes before an old one goes") {
  Stage s;
  s.run_web(rolling_policy(2, 1, 0));
  ASKS(s.upgrade(rolling_policy(2, 1, 0)), R"(
    prepare web r2 for request 1
    . rollout_started g2 r2 upgrade x2
    spawn w3 as g2/0 of r2
    . worker_starting g2/0 r2 w3 30s
  )");
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g2/0 r2 w3
    ask w1 to drain in 1m
    . worker_draining g1/0 r1 w1 1m
    spawn w4 as g2/1 of r2
    . worker_starting g2/1 r2 w4 30s
  )");
  ASKS(s.up(4), R"(
    reassert listeners of web
    . worker_ready g2/1 r2 w4
    . generation_ready g2 r2 x2
    . generation_draining g1 r1 1m x2
    ask w2 to drain in 1m
    . worker_draining g1/1 r1 w2 1m
    . rollout_done g2 r2 upgrade x2
    answer 1: done; g2 r2 2/2
  )");
}

TEST_CASE("with a surge of none an old worker goes first") {
  Stage s;
  s.run_web(rolling_policy(2, 0, 1));
  ASKS(s.upgrade(rolling_policy(2, 0, 1)), R"(
    prepare web r2 for request 1
    . rollout_started g2 r2 upgrade x2
    ask w1 to drain in 1m
    . worker_draining g1/0 r1 w1 1m
    spawn w3 as g2/0 of r2
    . worker_starting g2/0 r2 w3 30s
  )");
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g2/0 r2 w3
    ask w2 to drain in 1m
    . worker_draining g1/1 r1 w2 1m
    spawn w4 as g2/1 of r2
    . worker_starting g2/1 r2 w4 30s
  )");
  ASKS(s.up(4), R"(
    reassert listeners of web
    . worker_ready g2/1 r2 w4
    . generation_ready g2 r2 x2
    . generation_draining g1 r1 1m x2
    . rollout_done g2 r2 upgrade x2
    answer 1: done; g2 r2 2/2
  )");
}

TEST_CASE("neither surge nor unavailable still moves, one by one") {
  Stage s;
  s.run_web(rolling_policy(1, 0, 0));
  ASKS(s.upgrade(rolling_policy(1, 0, 0)), R"(
    prepare web r2 for request 1
    . rollout_started g2 r2 upgrade x1
    ask w1 to drain in 1m
    . worker_draining g1/0 r1 w1 1m
    spawn w2 as g2/0 of r2
    . worker_starting g2/0 r2 w2 30s
  )");
}

TEST_CASE("from many workers to few, old ones go as far as the smaller number is ready") {
  Stage s;
  s.run_web(rolling_policy(4, 1, 0));
  ASKS(s.upgrade(rolling_policy(2, 1, 0)), R"(
    prepare web r2 for request 1
    . rollout_started g2 r2 upgrade x2
    spawn w5 as g2/0 of r2
    . worker_starting g2/0 r2 w5 30s
    ask w1 to drain in 1m
    . worker_draining g1/0 r1 w1 1m
    spawn w6 as g2/1 of r2
    . worker_starting g2/1 r2 w6 30s
  )");
  ASKS(s.up(5), R"(
    reassert listeners of web
    . worker_ready g2/0 r2 w5
  )");
  ASKS(s.up(6), R"(
    reassert listeners of web
    . worker_ready g2/1 r2 w6
    . generation_ready g2 r2 x2
    . generation_draining g1 r1 1m x4
    ask w2 to drain in 1m
    . worker_draining g1/1 r1 w2 1m
    ask w3 to drain in 1m
    . worker_draining g1/2 r1 w3 1m
    ask w4 to drain in 1m
    . worker_draining g1/3 r1 w4 1m
    . rollout_done g2 r2 upgrade x2
    answer 1: done; g2 r2 2/2
  )");
}

TEST_CASE("a failure restores what was taken, the new ones serving until then") {
  Stage s;
  s.run_web(rolling_policy(3, 1, 0));
  s.upgrade(rolling_policy(3, 1, 0));
  s.up(4);
  s.up(5);
  ASKS(s.launch_failed(6), R"(
    . worker_launch_failed g2/2 r2 w6 (exec_failed) "exec ./server: No such file or directory"
    . rollout_failed g2/2 r2 w6 upgrade (exec_failed) "exec ./server: No such file or directory"
    spawn w7 as g1/0 of r1
    . worker_starting g1/0 r1 w7 30s
  )");
  CHECK(s.web().waiting_for == "2 of 3 workers of g1 to become ready (30s at most)");
  ASKS(s.up(7), R"(
    reassert listeners of web
    . worker_ready g1/0 r1 w7
    ask w4 to drain in 1m
    . worker_draining g2/0 r2 w4 1m
    spawn w8 as g1/1 of r1
    . worker_starting g1/1 r1 w8 30s
  )");
  ASKS(s.up(8), R"(
    reassert listeners of web
    . worker_ready g1/1 r1 w8
    ask w5 to drain in 1m
    . worker_draining g2/1 r2 w5 1m
    . generation_draining g2 r2 1m x2
    . rollout_rolled_back g2/2 r2 w6 upgrade (exec_failed) "exec ./server: No such file or directory"
    answer 1: rolled_back (exec_failed) slot 2 "exec ./server: No such file or directory"; g1 r1 3/3
  )");
}

TEST_CASE("a restored worker that fails is tried again; nobody gives up while a rollout is rolled back") {
  AppPolicy policy = rolling_policy(2, 0, 1);
  policy.restart_limit = RestartLimit{1, 60s};
  Stage s;
  s.run_web(policy);
  s.upgrade(policy);
  s.launch_failed(3);
  ASKS(s.launch_failed(4), R"(
    . worker_launch_failed g1/0 r1 w4 (exec_failed) "exec ./server: No such file or directory"
    . slot_backoff g1/0 r1 (exec_failed) 100ms x1 "exec ./server: No such file or directory"
  )");
  ASKS(s.pass(100ms), R"(
    +100ms
    spawn w5 as g1/0 of r1
    . worker_starting g1/0 r1 w5 30s
  )");
  ASKS(s.up(5), R"(
    reassert listeners of web
    . worker_ready g1/0 r1 w5
    . rollout_rolled_back g2/0 r2 w3 upgrade (exec_failed) "exec ./server: No such file or directory"
    answer 1: rolled_back (exec_failed) slot 0 "exec ./server: No such file or directory"; g1 r1 2/2
    . generation_gone g2 r2
    drop web r2
  )");
}

TEST_CASE("an old slot without a ready worker is the first to go, and need not be ready again") {
  Stage s;
  s.run_web(rolling_policy(2, 0, 1));
  s.killed(2, 9);
  ASKS(s.upgrade(rolling_policy(2, 0, 1)), R"(
    prepare web r2 for request 1
    . rollout_started g2 r2 upgrade x2
    . worker_draining g1/1 r1 w3 10s
    spawn w4 as g2/0 of r2
    . worker_starting g2/0 r2 w4 30s
  )");
  s.launched(4);
  ASKS(s.launch_failed(4), R"(
    . worker_launch_failed g2/0 r2 w4 (exec_failed) "exec ./server: No such file or directory"
    . rollout_failed g2/0 r2 w4 upgrade (exec_failed) "exec ./server: No such file or directory"
    spawn w5 as g1/1 of r1
    . worker_starting g1/1 r1 w5 30s
    . rollout_rolled_back g2/0 r2 w4 upgrade (exec_failed) "exec ./server: No such file or directory"
    answer 1: rolled_back (exec_failed) slot 0 "exec ./server: No such file or directory"; g1 r1 1/2
    . generation_gone g2 r2
    drop web r2
  )");
  ASKS(s.up(5), R"(
    reassert listeners of web
    . worker_ready g1/1 r1 w5
  )");
}
