// Goal: scale changes the number of slots in place, all or nothing, and the number is kept until it is reset.

#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

namespace {

ScaleAsked scale(int count, ScaleAsked::How how = ScaleAsked::How::absolute) {
  return {.request = RequestId{1}, .app = kWeb, .how = how, .count = count};
}

}  // namespace

TEST_CASE("scaling up fills new slots beside the others") {
  Stage s;
  s.run_web(policy_of(1));
  ASKS(s.step(scale(3)), R"(
    . rollout_started g1 r1 scale x3
    spawn w2 as g1/1 of r1
    . worker_starting g1/1 r1 w2 30s
    spawn w3 as g1/2 of r1
    . worker_starting g1/2 r1 w3 30s
  )");
  s.up(2);
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g1/2 r1 w3
    . rollout_done g1 r1 scale x3
    answer 1: done; g1 r1 3/3
  )");
  CHECK(s.web().scale_override == 3U);
  SUBCASE("and the next release has as many workers") {
    ASKS(s.upgrade(policy_of(1)), R"(
      prepare web r2 for request 1
      . rollout_started g2 r2 upgrade x3
      spawn w4 as g2/0 of r2
      . worker_starting g2/0 r2 w4 30s
      spawn w5 as g2/1 of r2
      . worker_starting g2/1 r2 w5 30s
      spawn w6 as g2/2 of r2
      . worker_starting g2/2 r2 w6 30s
    )");
  }
}

TEST_CASE("scaling up goes back to the old number when a new worker fails") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(scale(3));
  s.up(2);
  s.launched(3);
  ASKS(s.exited(3, 1), R"(
    . worker_died g1/2 r1 w3 "exit status 1" | last words
    . rollout_failed g1/2 r1 w3 scale (exited_before_ready) "exit status 1" | last words
    ask w2 to drain in 1m
    . worker_draining g1/1 r1 w2 1m
    . rollout_rolled_back g1/2 r1 w3 scale (exited_before_ready) "exit status 1"
    answer 1: rolled_back (exited_before_ready) slot 2 "exit status 1" | last words; g1 r1 1/1
  )");
  CHECK(s.web().workers_wanted == 1);
  CHECK_FALSE(s.web().scale_override);
}

TEST_CASE("scaling up can be aborted") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(scale(2));
  s.launched(2);
  ASKS(s.step(AbortAsked{RequestId{2}, kWeb}), R"(
    . rollout_failed g1 r1 scale (aborted)
    ask w2 to drain in 10s
    . worker_draining g1/1 r1 w2 10s
  )");
  ASKS(s.exited(2), R"(
    . worker_exited g1/1 r1 w2 "exit status 0"
    . rollout_rolled_back g1 r1 scale (aborted)
    answer 2: done; g1 r1 1/1
    answer 1: rolled_back (aborted); g1 r1 1/1
  )");
}

TEST_CASE("scaling down drains the highest slots") {
  Stage s;
  s.run_web(policy_of(3));
  ASKS(s.step(scale(-2, ScaleAsked::How::relative)), R"(
    . rollout_started g1 r1 scale x1
    ask w3 to drain in 1m
    . worker_draining g1/2 r1 w3 1m
    ask w2 to drain in 1m
    . worker_draining g1/1 r1 w2 1m
    . rollout_done g1 r1 scale x1
    answer 1: done; g1 r1 1/1
  )");
  CHECK(s.web().workers_wanted == 1);
}

TEST_CASE("scaling down can be waited for until the workers have gone") {
  Stage s;
  s.run_web(policy_of(2));
  ScaleAsked asked = scale(1);
  asked.wait = WaitLevel::drained;
  s.step(asked);
  ASKS(s.exited(2), R"(
    . worker_exited g1/1 r1 w2 "exit status 0"
    answer 1: done; g1 r1 1/1
  )");
}

TEST_CASE("a number that makes no sense is refused") {
  Stage s;
  s.run_web(policy_of(2));
  ASKS(s.step(scale(0)), R"(
    answer 1: bad_usage "that would be 0 workers; 1 to 4096 are possible"; g1 r1 2/2
  )");
  ASKS(s.step(scale(-2, ScaleAsked::How::relative)), R"(
    answer 1: bad_usage "that would be 0 workers; 1 to 4096 are possible"; g1 r1 2/2
  )");
  ASKS(s.step(scale(4097)), R"(
    answer 1: bad_usage "that would be 4097 workers; 1 to 4096 are possible"; g1 r1 2/2
  )");
  ASKS(s.step(scale(2)), R"(
    answer 1: unchanged (unchanged); g1 r1 2/2
  )");
}

TEST_CASE("reset goes back to the release's number") {
  Stage s;
  s.run_web(policy_of(2));
  s.step(scale(1));
  ASKS(s.step(scale(0, ScaleAsked::How::reset)), R"(
    . rollout_started g1 r1 scale x2
    spawn w3 as g1/1 of r1
    . worker_starting g1/1 r1 w3 30s
  )");
  CHECK_FALSE(s.web().scale_override);
}
