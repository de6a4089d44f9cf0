// Goal: an operator's abort ends a rollout as a failure would, with a reason of its own.

#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

TEST_CASE(
    "an abort while the release is made ends the upgrade at once; the release is dropped when it comes") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(UpgradeAsked{.request = RequestId{1}, .app = kWeb});
  ASKS(s.step(AbortAsked{RequestId{2}, kWeb}), R"(
    . rollout_failed r2 upgrade (aborted)
    answer 2: done; g1 r1 1/1
    answer 1: rolled_back (aborted); g1 r1 1/1
  )");
  ASKS(s.prepared(2, policy_of(1)), R"(
    drop web r2
  )");
  SUBCASE("its number is spent") {
    ASKS(s.step(UpgradeAsked{.request = RequestId{3}, .app = kWeb}), R"(
      prepare web r3 for request 3
    )");
  }
}

TEST_CASE("an abort of a running upgrade is answered when it has been rolled back") {
  Stage s;
  s.run_web(policy_of(2));
  s.upgrade(policy_of(2));
  s.up(3);
  s.launched(4);
  ASKS(s.step(AbortAsked{RequestId{2}, kWeb}), R"(
    . rollout_failed g2 r2 upgrade (aborted)
    ask w4 to drain in 10s
    . worker_draining g2/1 r2 w4 10s
    ask w3 to drain in 1m
    . worker_draining g2/0 r2 w3 1m
  )");
  ASKS(s.step(AbortAsked{RequestId{3}, kWeb}), "");
  ASKS(s.exited(4), R"(
    . worker_exited g2/1 r2 w4 "exit status 0"
    . generation_draining g2 r2 1m x1
    . rollout_rolled_back g2 r2 upgrade (aborted)
    answer 2: done; g1 r1 2/2
    answer 3: done; g1 r1 2/2
    answer 1: rolled_back (aborted); g1 r1 2/2
  )");
}

TEST_CASE("a worker that was not launched yet is asked to drain once it is") {
  Stage s;
  s.run_web(policy_of(1));
  s.upgrade(policy_of(1));
  ASKS(s.step(AbortAsked{RequestId{2}, kWeb}), R"(
    . rollout_failed g2 r2 upgrade (aborted)
    . worker_draining g2/0 r2 w2 10s
  )");
  s.pass(4s);
  ASKS(s.launched(2), R"(
    ask w2 to drain in 6s
  )");
}

TEST_CASE("there is nothing to abort without a rollout") {
  Stage s;
  s.run_web(policy_of(1));
  ASKS(s.step(AbortAsked{RequestId{1}, kWeb}), R"(
    answer 1: failed (no_rollout); g1 r1 1/1
  )");
}
