// Goal: an upgrade is all or nothing. With max_surge 100 % the old generation is untouched until all of the
// new one is ready, and whatever goes wrong before that leaves it as it was.

#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

TEST_CASE("an upgrade replaces the old generation when all of the new one is ready") {
  Stage s;
  s.run_web(policy_of(2));
  ASKS(s.step(UpgradeAsked{.request = RequestId{1}, .app = kWeb}), R"(
    prepare web r2 for request 1
  )");
  CHECK(s.web().waiting_for == "release r2 to be made");
  ASKS(s.prepared(2, policy_of(2)), R"(
    . rollout_started g2 r2 upgrade x2
    spawn w3 as g2/0 of r2
    . worker_starting g2/0 r2 w3 30s
    spawn w4 as g2/1 of r2
    . worker_starting g2/1 r2 w4 30s
  )");
  CHECK(s.web().state == AppState::upgrading);
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g2/0 r2 w3
  )");
  ASKS(s.up(4), R"(
    reassert listeners of web
    . worker_ready g2/1 r2 w4
    . generation_ready g2 r2 x2
    . generation_draining g1 r1 1m x2
    ask w1 to drain in 1m
    . worker_draining g1/0 r1 w1 1m
    ask w2 to drain in 1m
    . worker_draining g1/1 r1 w2 1m
    . rollout_done g2 r2 upgrade x2
    answer 1: done; g2 r2 2/2
  )");
  CHECK(s.workers() == lines(R"(
    w3 g2/0 ready
    w4 g2/1 ready
    w1 g1/0 draining
    w2 g1/1 draining
  )"));
  ASKS(s.exited(1), R"(
    . worker_exited g1/0 r1 w1 "exit status 0"
  )");
  ASKS(s.exited(2), R"(
    . worker_exited g1/1 r1 w2 "exit status 0"
    . generation_gone g1 r1
    drop web r1
  )");
}

TEST_CASE("an upgrade answers at the level that was asked for") {
  Stage s;
  s.run_web(policy_of(1));
  SUBCASE("none: as soon as it has begun") {
    ASKS(s.upgrade(policy_of(1), 2, WaitLevel::none), R"(
      prepare web r2 for request 1
      . rollout_started g2 r2 upgrade x1
      answer 1: done; g1 r1 1/1
      spawn w2 as g2/0 of r2
      . worker_starting g2/0 r2 w2 30s
    )");
  }
  SUBCASE("ready: when all new workers are") {
    s.upgrade(policy_of(1), 2, WaitLevel::ready);
    ASKS(s.up(2), kPlainUpgradeDone + R"(
      answer 1: done; g2 r2 1/1
    )");
  }
  SUBCASE("drained: when the old generation has gone with all that it started") {
    s.upgrade(policy_of(1), 2, WaitLevel::drained);
    ASKS(s.up(2), kPlainUpgradeDone);
    ASKS(s.exited(1, 0, false), R"(
      . worker_exited g1/0 r1 w1 "exit status 0"
      . worker_leftovers g1/0 r1 w1
      signal w1 TERM to its tree
    )");
    ASKS(s.step(TreeGone{WorkerId{1}}), R"(
      . generation_gone g1 r1
      answer 1: done; g2 r2 1/1
      drop web r1
    )");
  }
}

TEST_CASE("a release that is refused changes nothing and spends no number") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(UpgradeAsked{.request = RequestId{1}, .app = kWeb});
  ASKS(s.step(ReleaseRefused{kWeb, ReleaseId{2}, "cwd /srv/x: No such file or directory"}), R"(
    . rollout_failed upgrade (release_refused) "cwd /srv/x: No such file or directory"
    answer 1: failed (release_refused) "cwd /srv/x: No such file or directory"; g1 r1 1/1
  )");
  CHECK(s.web().state == AppState::running);
  ASKS(s.step(UpgradeAsked{.request = RequestId{2}, .app = kWeb}), R"(
    prepare web r2 for request 2
  )");
}

TEST_CASE("with if_changed an equal release changes nothing") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(UpgradeAsked{.request = RequestId{1}, .app = kWeb, .if_changed = true});
  ASKS(s.prepared(2, policy_of(1), kWeb, true), R"(
    drop web r2
    answer 1: unchanged (unchanged); g1 r1 1/1
  )");
  SUBCASE("and without it an equal release is rolled out") {
    s.step(UpgradeAsked{.request = RequestId{2}, .app = kWeb});
    ASKS(s.prepared(2, policy_of(1), kWeb, true), R"(
      . rollout_started g2 r2 upgrade x1
      spawn w2 as g2/0 of r2
      . worker_starting g2/0 r2 w2 30s
    )");
  }
}

TEST_CASE("a program that cannot be executed leaves the old generation untouched") {
  Stage s;
  s.run_web(policy_of(2));
  s.upgrade(policy_of(2));
  s.launched(3);
  ASKS(s.launch_failed(4), R"(
    . worker_launch_failed g2/1 r2 w4 (exec_failed) "exec ./server: No such file or directory"
    . rollout_failed g2/1 r2 w4 upgrade (exec_failed) "exec ./server: No such file or directory"
    ask w3 to drain in 10s
    . worker_draining g2/0 r2 w3 10s
  )");
  CHECK(s.web().waiting_for == "1 worker of g2 to end");
  ASKS(s.exited(3), R"(
    . worker_exited g2/0 r2 w3 "exit status 0"
    . rollout_rolled_back g2/1 r2 w4 upgrade (exec_failed) "exec ./server: No such file or directory"
    answer 1: rolled_back (exec_failed) slot 1 "exec ./server: No such file or directory"; g1 r1 2/2
    . generation_gone g2 r2
    drop web r2
  )");
  CHECK(s.web().state == AppState::running);
}

TEST_CASE(
    "a worker that exits before it is ready fails the upgrade; what is ready drains, and the answer does not "
    "wait") {
  Stage s;
  s.run_web(policy_of(2));
  s.upgrade(policy_of(2));
  s.up(3);
  s.launched(4);
  ASKS(s.exited(4, 3), R"(
    . worker_died g2/1 r2 w4 "exit status 3" | last words
    . rollout_failed g2/1 r2 w4 upgrade (exited_before_ready) "exit status 3" | last words
    ask w3 to drain in 1m
    . worker_draining g2/0 r2 w3 1m
    . generation_draining g2 r2 1m x1
    . rollout_rolled_back g2/1 r2 w4 upgrade (exited_before_ready) "exit status 3"
    answer 1: rolled_back (exited_before_ready) slot 1 "exit status 3" | last words; g1 r1 2/2
  )");
  ASKS(s.exited(3), R"(
    . worker_exited g2/0 r2 w3 "exit status 0"
    . generation_gone g2 r2
    drop web r2
  )");
}

TEST_CASE("a worker that dies after it was ready fails the upgrade too") {
  Stage s;
  s.run_web(policy_of(2));
  s.upgrade(policy_of(2));
  s.up(3);
  ASKS(s.killed(3, 11), R"(
    . worker_died g2/0 r2 w3 "killed by SIGSEGV" | last words
    . rollout_failed g2/0 r2 w3 upgrade (exited_in_rollout) "killed by SIGSEGV" | last words
    . worker_draining g2/1 r2 w4 10s
  )");
}

TEST_CASE(
    "a worker that hangs before it is ready is asked to drain, stopped, and the verdict waits no longer than "
    "that") {
  Stage s;
  s.run_web(policy_of(1));
  s.upgrade(policy_of(1));
  s.launched(2);
  ASKS(s.pass(30s), R"(
    +30s
    ask w2 to drain in 10s
    . worker_draining g2/0 r2 w2 (ready_timeout) 10s
    . rollout_failed g2/0 r2 w2 upgrade (ready_timeout) "not ready after 30s"
  )");
  ASKS(s.step(DeadlineExtended{WorkerId{2}, 1h}), "");
  ASKS(s.pass(10s), R"(
    +10s
    signal w2 KILL to its tree
    . worker_killed g2/0 r2 w2
  )");
  ASKS(s.killed(2, 9), R"(
    . worker_exited g2/0 r2 w2 "killed by SIGKILL"
    . rollout_rolled_back g2/0 r2 w2 upgrade (ready_timeout) "not ready after 30s"
    answer 1: rolled_back (ready_timeout) slot 0 "not ready after 30s" | last words; g1 r1 1/1
    . generation_gone g2 r2
    drop web r2
  )");
}

TEST_CASE("the verdict does not wait for a process that SIGKILL does not end") {
  Stage s;
  s.run_web(policy_of(1));
  s.upgrade(policy_of(1));
  s.launched(2);
  s.pass(40s);
  ASKS(s.pass(10s), R"(
    +10s
    signal w2 KILL to its tree
    . generation_draining g2 r2 1m x1
    . rollout_rolled_back g2/0 r2 w2 upgrade (ready_timeout) "not ready after 30s"
    answer 1: rolled_back (ready_timeout) slot 0 "not ready after 30s"; g1 r1 1/1
  )");
  CHECK(s.web().state == AppState::running);
}

TEST_CASE("a worker that extends its time-out is waited for") {
  Stage s;
  s.run_web(policy_of(1));
  s.upgrade(policy_of(1));
  s.launched(2);
  s.pass(29s);
  s.step(DeadlineExtended{WorkerId{2}, 20s});
  ASKS(s.pass(19s), "");
  ASKS(s.ready(2), kPlainUpgradeDone + R"(
    answer 1: done; g2 r2 1/1
  )");
}

TEST_CASE("a new worker that leaves by itself is replaced and fails nothing") {
  Stage s;
  s.run_web(policy_of(2));
  s.upgrade(policy_of(2));
  s.up(3);
  s.pass(1s);
  ASKS(s.step(WorkerStopping{WorkerId{3}}), R"(
    . worker_draining g2/0 r2 w3 1m "it leaves by itself"
    spawn w5 as g2/0 of r2
    . worker_starting g2/0 r2 w5 30s
  )");
  s.up(4);
  ASKS(s.up(5), R"(
    reassert listeners of web
    . worker_ready g2/0 r2 w5
    . generation_ready g2 r2 x2
    . generation_draining g1 r1 1m x2
    ask w1 to drain in 1m
    . worker_draining g1/0 r1 w1 1m
    ask w2 to drain in 1m
    . worker_draining g1/1 r1 w2 1m
    . rollout_done g2 r2 upgrade x2
    answer 1: done; g2 r2 2/2
  )");
}

TEST_CASE("a second upgrade while one runs is busy; while an old generation drains it is fine") {
  Stage s;
  s.run_web(policy_of(1));
  s.upgrade(policy_of(1));
  ASKS(s.step(UpgradeAsked{.request = RequestId{2}, .app = kWeb}), R"(
    answer 2: busy (busy); g1 r1 1/1
  )");
  s.up(2);
  ASKS(s.step(UpgradeAsked{.request = RequestId{3}, .app = kWeb}), R"(
    prepare web r3 for request 3
  )");
}

TEST_CASE("a request that runs out of time is answered alone, and the rollout goes on") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(UpgradeAsked{.request = RequestId{1}, .app = kWeb, .timeout = 5s});
  s.prepared(2, policy_of(1));
  ASKS(s.pass(5s), R"(
    +5s
    answer 1: timed_out (timed_out); g1 r1 1/1
  )");
  ASKS(s.up(2), kPlainUpgradeDone);
}

TEST_CASE("a request whose client has gone is not answered, and the rollout goes on") {
  Stage s;
  s.run_web(policy_of(1));
  s.upgrade(policy_of(1));
  ASKS(s.step(RequestGone{RequestId{1}}), "");
  ASKS(s.up(2), kPlainUpgradeDone);
}

TEST_CASE("an old worker that crashes during an upgrade comes back from its own release") {
  Stage s;
  s.run_web(policy_of(2));
  s.upgrade(policy_of(2));
  ASKS(s.killed(1, 9), R"(
    . worker_died g1/0 r1 w1 "killed by SIGKILL" | last words
    spawn w5 as g1/0 of r1
    . worker_starting g1/0 r1 w5 30s
  )");
}

TEST_CASE("a crash-looping old worker does not hold up the verdict of an upgrade that did not touch it") {
  Stage s;
  s.run_web(policy_of(2));
  s.killed(1, 9);
  s.launch_failed(3);
  s.upgrade(policy_of(2));
  s.launch_failed(4);
  ASKS(s.launch_failed(5), R"(
    . worker_launch_failed g2/1 r2 w5 (exec_failed) "exec ./server: No such file or directory"
    . rollout_rolled_back g2/0 r2 w4 upgrade (exec_failed) "exec ./server: No such file or directory"
    answer 1: rolled_back (exec_failed) slot 0 "exec ./server: No such file or directory"; g1 r1 1/2
    . generation_gone g2 r2
    drop web r2
  )");
}

TEST_CASE("beyond max_draining the oldest generation is stopped, and that is told beforehand") {
  AppPolicy policy = policy_of(1);
  policy.max_draining = 1;
  Stage s;
  s.run_web(policy);
  s.upgrade(policy);
  s.up(2);
  ASKS(s.upgrade(policy, 3), R"(
    prepare web r3 for request 1
    . rollout_started g3 r3 upgrade x1
    . rollout_will_stop_oldest g1 r1 x1
    spawn w3 as g3/0 of r3
    . worker_starting g3/0 r3 w3 30s
  )");
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g3/0 r3 w3
    . generation_ready g3 r3 x1
    . generation_draining g2 r2 1m x1
    ask w2 to drain in 1m
    . worker_draining g2/0 r2 w2 1m
    . rollout_done g3 r3 upgrade x1
    answer 1: done; g3 r3 1/1
    . generation_cut g1 r1 x1 "more generations than max_draining"
    . worker_stopping g1/0 r1 w1 10s
  )");
  ASKS(s.pass(10s), R"(
    +10s
    signal w1 KILL to its tree
    . worker_killed g1/0 r1 w1
  )");
}

TEST_CASE("finished rollouts are remembered") {
  Stage s;
  s.run_web(policy_of(1));
  s.upgrade(policy_of(1));
  s.launch_failed(2);
  const auto history = s.web().history;
  REQUIRE(history.size() == 2);
  CHECK(history[0].kind == RolloutKind::start);
  CHECK(history[0].result == Result::done);
  CHECK(history[0].label == "v1");
  CHECK(history[1].kind == RolloutKind::upgrade);
  CHECK(history[1].result == Result::rolled_back);
  CHECK(history[1].reason == Reason::exec_failed);
  CHECK(history[1].generation == GenerationId{2});
  CHECK(history[1].text == "exec ./server: No such file or directory");
}

TEST_CASE("the history is bounded") {
  Stage s;
  s.run_web(policy_of(1));
  for (std::uint64_t i = 0; i < kHistoryMax + 5; ++i) {
    s.step(UpgradeAsked{.request = RequestId{i + 1}, .app = kWeb});
    s.step(ReleaseRefused{kWeb, ReleaseId{2}, "attempt " + std::to_string(i)});
  }
  CHECK(s.web().history.size() == kHistoryMax);
  CHECK(s.web().history.back().text == "attempt 104");
}
