// Goal: by a policy without overlap an upgrade stops the old workers at once; one that fails starts them again. Only
// upgrades do so, and never the start.

#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

namespace {

AppPolicy without_overlap(std::uint32_t workers) {
  AppPolicy policy = policy_of(workers);
  policy.overlap = false;
  return policy;
}

}  // namespace

TEST_CASE("an upgrade without overlap stops all old workers and starts the new ones at once") {
  Stage s;
  s.run_web(without_overlap(2));
  ASKS(s.upgrade(without_overlap(1)), R"(
    prepare web r2 for request 1
    . rollout_started g2 r2 upgrade x1
    . rollout_stops_old g1 r1 x2
    signal w1 TERM
    . worker_stopping g1/0 r1 w1 TERM 10s
    signal w2 TERM
    . worker_stopping g1/1 r1 w2 TERM 10s
    spawn w3 as g2/0 of r2
    . worker_starting g2/0 r2 w3 30s
  )");
  s.exited(1);
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g2/0 r2 w3
    . generation_ready g2 r2 x1
    . generation_draining g1 r1 1m x1
    . rollout_done g2 r2 upgrade x1
    answer 1: done; g2 r2 1/1
  )");
  CHECK(s.pass(10s).find("KILL") != std::string::npos);
}

TEST_CASE("one that fails starts the old release again, and its verdict waits for that") {
  Stage s;
  s.run_web(without_overlap(2));
  s.upgrade(without_overlap(2));
  s.exited(1);
  s.exited(2);
  s.up(3);
  ASKS(s.launch_failed(4), R"(
    . worker_launch_failed g2/1 r2 w4 (exec_failed) "exec ./server: No such file or directory"
    . rollout_failed g2/1 r2 w4 upgrade (exec_failed) "exec ./server: No such file or directory"
    spawn w5 as g1/0 of r1
    . worker_starting g1/0 r1 w5 30s
    ask w3 to drain in 1m
    . worker_draining g2/0 r2 w3 1m
    spawn w6 as g1/1 of r1
    . worker_starting g1/1 r1 w6 30s
  )");
  s.up(5);
  CHECK(s.up(6).find("answer 1: rolled_back (exec_failed) slot 1") != std::string::npos);
  CHECK(s.web().generation == GenerationId{1});
}

TEST_CASE("an operator's abort brings the old workers back") {
  Stage s;
  s.run_web(without_overlap(1));
  s.upgrade(without_overlap(1));
  s.exited(1);
  s.launched(2);
  CHECK(s.step(AbortAsked{RequestId{2}, kWeb}).find("spawn w3 as g1/0 of r1") != std::string::npos);
  s.exited(2);
  CHECK(s.up(3).find("answer 2: done") != std::string::npos);
}

TEST_CASE("an old slot that waits to be started again is not started beside the new ones") {
  Stage s;
  s.run_web(without_overlap(1));
  s.killed(1, 9);
  s.launch_failed(2);
  s.upgrade(without_overlap(1));
  CHECK(s.pass(5s) == "");
  CHECK(s.up(3).find("answer 1: done") != std::string::npos);
}

TEST_CASE("a restart and the start overlap as ever") {
  Stage s;
  s.run_web(without_overlap(1));
  ASKS(s.step(RestartAsked{.request = RequestId{1}, .app = kWeb}), R"(
    . rollout_started g2 r1 restart x1
    spawn w2 as g2/0 of r1
    . worker_starting g2/0 r1 w2 30s
  )");
}
