// Goal: a worker is made to leave by steps, each with its time; one signal is never sent twice, and nothing
// that it started is forgotten.

#include <doctest/doctest.h>

#include "core/worker.hpp"
#include "stage.hpp"

using namespace stage;

namespace {

// g1's only worker, w1, drains; g2 serves.
void drain_w1(Stage& s, const AppPolicy& policy) {
  s.run_web(policy);
  s.upgrade(policy);
  s.up(2);
}

}  // namespace

TEST_CASE("states follow the table") {
  using enum WorkerState;
  int legal = 0;
  for (const WorkerState from : {starting, ready, draining, stopping, backoff}) {
    for (const WorkerState to : {starting, ready, draining, stopping, backoff})
      legal += is_legal(from, to) ? 1 : 0;
  }
  CHECK(legal == 6);
  CHECK(is_legal(starting, ready));
  CHECK(is_legal(draining, stopping));
  CHECK_FALSE(is_legal(draining, ready));
  CHECK_FALSE(is_legal(stopping, draining));
}

TEST_CASE(
    "after its drain a worker that was asked by the stop signal is killed at once: it has had its time") {
  Stage s;
  drain_w1(s, policy_of(1));
  ASKS(s.pass(60s), R"(
    +1m
    signal w1 KILL to its tree
    . worker_killed g1/0 r1 w1
  )");
}

TEST_CASE("after its drain a worker that was asked otherwise is sent the stop signal, then killed") {
  AppPolicy policy = policy_of(1);
  SUBCASE("by another signal") { policy.drain_signal = 3; }
  SUBCASE("by a message") { policy.drain_by_signal = false; }
  Stage s;
  drain_w1(s, policy);
  ASKS(s.pass(80s), R"(
    +1m
    signal w1 TERM
    . worker_stopping g1/0 r1 w1 TERM 10s
    +1m10s
    signal w1 KILL to its tree
    . worker_killed g1/0 r1 w1
    +1m20s
    signal w1 KILL to its tree
  )");
}

TEST_CASE("a worker that is cut short gets its stop time-out, and no signal twice") {
  Stage s;
  drain_w1(s, policy_of(1));
  s.pass(1s);
  ASKS(s.step(DrainAsked{.request = RequestId{2}, .app = kWeb}), R"(
    . generation_cut g1 r1 x1 "by an operator"
    . worker_stopping g1/0 r1 w1 10s
    answer 2: done "1 worker told to stop"; g2 r2 1/1
  )");
  ASKS(s.pass(10s), R"(
    +10s
    signal w1 KILL to its tree
    . worker_killed g1/0 r1 w1
  )");
}

TEST_CASE("an operator gives draining workers more time") {
  Stage s;
  drain_w1(s, policy_of(1));
  ASKS(s.step(DrainAsked{.request = RequestId{2}, .app = kWeb, .generation = GenerationId{1}, .extend = 5s}),
       R"(
    . generation_extended g1 r1 5s x1
    answer 2: done "1 worker may drain longer"; g2 r2 1/1
  )");
  CHECK(s.web().generations.at(1).cut_at == s.now() + 65s);
  ASKS(s.pass(64s), "");
  ASKS(s.step(DrainAsked{.request = RequestId{3}, .app = kWeb, .generation = GenerationId{2}}), R"(
    answer 3: failed (no_such_generation); g2 r2 1/1
  )");
}

TEST_CASE("a worker may extend its drain, but nothing is extended once it is killed") {
  Stage s;
  drain_w1(s, policy_of(1));
  s.pass(50s);
  s.step(DeadlineExtended{WorkerId{1}, 30s});
  ASKS(s.pass(30s), R"(
    +30s
    signal w1 KILL to its tree
    . worker_killed g1/0 r1 w1
  )");
  s.step(DeadlineExtended{WorkerId{1}, 1h});
  ASKS(s.pass(10s), R"(
    +10s
    signal w1 KILL to its tree
  )");
}

TEST_CASE("an extension never brings a deadline nearer") {
  Stage s;
  drain_w1(s, policy_of(1));
  s.step(DeadlineExtended{WorkerId{1}, 1s});
  ASKS(s.pass(59s), "");
}

TEST_CASE("what a worker leaves behind is ended, and killed, and killed again more and more rarely") {
  Stage s;
  drain_w1(s, policy_of(1));
  ASKS(s.exited(1, 0, false), R"(
    . worker_exited g1/0 r1 w1 "exit status 0"
    . worker_leftovers g1/0 r1 w1
    signal w1 TERM to its tree
  )");
  ASKS(s.pass(60s), R"(
    +10s
    signal w1 KILL to its tree
    . worker_killed g1/0 r1 w1
    +20s
    signal w1 KILL to its tree
    +40s
    signal w1 KILL to its tree
  )");
  ASKS(s.step(TreeGone{WorkerId{1}}), R"(
    . generation_gone g1 r1
    drop web r1
  )");
}

TEST_CASE("what is left of a worker that was killed gets no other signal") {
  Stage s;
  drain_w1(s, policy_of(1));
  s.pass(60s);
  ASKS(s.killed(1, 9, false), R"(
    . worker_exited g1/0 r1 w1 "killed by SIGKILL"
    . worker_leftovers g1/0 r1 w1
  )");
  ASKS(s.pass(10s), R"(
    +10s
    signal w1 KILL to its tree
  )");
}

TEST_CASE("SIGKILL is repeated no faster than once a second") {
  AppPolicy policy = policy_of(1);
  policy.stop_timeout = 0s;
  Stage s;
  drain_w1(s, policy);
  ASKS(s.pass(63s), R"(
    +1m
    signal w1 KILL to its tree
    . worker_killed g1/0 r1 w1
    +1m1s
    signal w1 KILL to its tree
    +1m3s
    signal w1 KILL to its tree
  )");
}

TEST_CASE("events about what is gone are ignored") {
  Stage s;
  drain_w1(s, policy_of(1));
  s.exited(1);
  const WorkerId gone{1};
  for (const Event& event :
       {Event{Launched{gone}}, Event{WorkerReady{gone}}, Event{WorkerStopping{gone}},
        Event{DeadlineExtended{gone, 1s}}, Event{WatchdogPinged{gone}}, Event{WatchdogTriggered{gone}},
        Event{WatchdogChanged{gone, 1s}}, Event{TreeGone{gone}}, Event{WorkerExited{gone, {}, {}, true}},
        Event{LaunchFailed{gone, {}, ""}}, Event{RequestGone{RequestId{1}}}, Event{ListenersQuiet{kWeb}},
        Event{ListenersOpened{kWeb}}, Event{ReleaseRefused{kWeb, ReleaseId{7}, ""}},
        Event{ListenersQuiet{AppId{9}}}, Event{TimePassed{}}}) {
    CHECK(s.step(event).empty());
  }
}
