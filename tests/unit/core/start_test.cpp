// Goal: the master's own start of its apps, and what a first start that fails leads to.

#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

TEST_CASE("an app starts: release, generation, workers, and it runs when all of them are ready") {
  Stage s;
  CHECK(s.step(Begun{}) == lines(R"(
    . app_starting
    prepare web r1
  )"));
  CHECK(s.prepared(1, policy_of(2)) == lines(R"(
    spawn w1 as g1/0 of r1
    . worker_starting g1/0 r1 w1 30s
    spawn w2 as g1/1 of r1
    . worker_starting g1/1 r1 w2 30s
  )"));
  CHECK(s.web().waiting_for == "2 of 2 workers of g1 to become ready (30s at most)");
  CHECK(s.up(2) == lines(R"(
    reassert listeners of web
    . worker_ready g1/1 r1 w2
  )"));
  CHECK(s.web().state == AppState::starting);
  CHECK(s.up(1) == lines(R"(
    reassert listeners of web
    . worker_ready g1/0 r1 w1
    . generation_ready g1 r1 x2
    . app_running g1 r1 start x2
  )"));
  CHECK(s.web().state == AppState::running);
  CHECK(s.web().waiting_for.empty());
  CHECK(s.core().next_deadline() == kNever);
}
