// Goal: a worker that dies is replaced in its slot from its own generation's release, the first time at once,
// then after growing delays, and not for ever where a limit is set.

#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

TEST_CASE("a healthy worker that is killed is back at once; then the delay grows") {
  AppPolicy policy = policy_of(1);
  policy.restart_max_delay = 300ms;
  Stage s;
  s.run_web(policy);
  ASKS(s.killed(1, 9), R"(
    . worker_died g1/0 r1 w1 "killed by SIGKILL" | last words
    spawn w2 as g1/0 of r1
    . worker_starting g1/0 r1 w2 30s
  )");
  s.up(2);
  ASKS(s.killed(2, 9), R"(
    . worker_died g1/0 r1 w2 "killed by SIGKILL" | last words
    . slot_backoff g1/0 r1 100ms x1 "killed by SIGKILL"
  )");
  CHECK(s.workers() == "g1/0 backoff\n");
  ASKS(s.pass(100ms), R"(
    +100ms
    spawn w3 as g1/0 of r1
    . worker_starting g1/0 r1 w3 30s
  )");
  s.up(3);
  s.killed(3, 9);
  s.pass(200ms);
  s.up(4);
  ASKS(s.killed(4, 9), R"(
    . worker_died g1/0 r1 w4 "killed by SIGKILL" | last words
    . slot_backoff g1/0 r1 300ms x3 "killed by SIGKILL"
  )");
}

TEST_CASE("a worker that stays ready makes the delays forgotten") {
  Stage s;
  s.run_web(policy_of(1));
  s.killed(1, 9);
  s.up(2);
  s.killed(2, 9);
  s.pass(100ms);
  s.up(3);
  s.pass(60s);
  ASKS(s.killed(3, 9), R"(
    . worker_died g1/0 r1 w3 "killed by SIGKILL" | last words
    spawn w4 as g1/0 of r1
    . worker_starting g1/0 r1 w4 30s
  )");
}

TEST_CASE("a replacement that dies before it is ready waits from the first time on") {
  Stage s;
  s.run_web(policy_of(1));
  s.killed(1, 9);
  s.launched(2);
  ASKS(s.exited(2, 1), R"(
    . worker_died g1/0 r1 w2 "exit status 1" | last words
    . slot_backoff g1/0 r1 (exited_before_ready) 100ms x1 "exit status 1"
  )");
}

TEST_CASE("a slot that dies too often gives up, and with the last one the app fails") {
  AppPolicy policy = policy_of(2);
  policy.restart_limit = RestartLimit{2, 60s};
  Stage s;
  s.run_web(policy);
  s.killed(1, 9);
  s.up(3);
  ASKS(s.killed(3, 9), R"(
    . worker_died g1/0 r1 w3 "killed by SIGKILL" | last words
    . slot_gave_up g1/0 r1 (gave_up) x1 "killed by SIGKILL" | last words
  )");
  CHECK(s.web().state == AppState::running);
  s.killed(2, 9);
  s.up(4);
  ASKS(s.killed(4, 9), R"(
    . worker_died g1/1 r1 w4 "killed by SIGKILL" | last words
    . slot_gave_up g1/1 r1 (gave_up) x1 "killed by SIGKILL" | last words
    . app_failed g1 r1 (gave_up) "killed by SIGKILL" | last words
  )");
  CHECK(s.web().state == AppState::failed);
  CHECK(s.workers() == lines(R"(
    g1/0 backoff (gave up)
    g1/1 backoff (gave up)
  )"));
}

TEST_CASE("deaths that are far apart count for nothing") {
  AppPolicy policy = policy_of(1);
  policy.restart_limit = RestartLimit{2, 10s};
  policy.restart_reset_after = 1h;
  Stage s;
  s.run_web(policy);
  s.killed(1, 9);
  s.up(2);
  s.pass(11s);
  ASKS(s.killed(2, 9), R"(
    . worker_died g1/0 r1 w2 "killed by SIGKILL" | last words
    . slot_backoff g1/0 r1 100ms x1 "killed by SIGKILL"
  )");
}

TEST_CASE("a replacement that is not ready in time is asked to drain, and its slot tries again") {
  Stage s;
  s.run_web(policy_of(1));
  s.killed(1, 9);
  s.launched(2);
  ASKS(s.pass(30s), R"(
    +30s
    ask w2 to drain in 10s
    . worker_draining g1/0 r1 w2 (ready_timeout) 10s
    . slot_backoff g1/0 r1 (ready_timeout) 100ms x1 "not ready after 30s"
  )");
  ASKS(s.pass(100ms), R"(
    +100ms
    spawn w3 as g1/0 of r1
    . worker_starting g1/0 r1 w3 30s
  )");
}

TEST_CASE("a worker that leaves by itself is replaced at once, and its drain ends in time") {
  Stage s;
  s.run_web(policy_of(1));
  s.pass(1s);
  ASKS(s.step(WorkerStopping{WorkerId{1}}), R"(
    . worker_draining g1/0 r1 w1 1m "it leaves by itself"
    spawn w2 as g1/0 of r1
    . worker_starting g1/0 r1 w2 30s
  )");
  ASKS(s.pass(29s), "");
  s.up(2);
  ASKS(s.pass(31s), R"(
    +31s
    signal w1 TERM
    . worker_stopping g1/0 r1 w1 TERM 10s
  )");
  ASKS(s.exited(1), R"(
    . worker_exited g1/0 r1 w1 "exit status 0"
  )");
}

TEST_CASE("a worker that leaves as soon as it is ready is not replaced in a tight loop") {
  Stage s;
  s.run_web(policy_of(1));
  ASKS(s.step(WorkerStopping{WorkerId{1}}), R"(
    . worker_draining g1/0 r1 w1 1m "it leaves by itself"
    . slot_backoff g1/0 r1 100ms "it left by itself"
  )");
}

TEST_CASE("a crashed worker's slot does not wait for what it left behind") {
  Stage s;
  s.run_web(policy_of(1));
  ASKS(s.killed(1, 11, false), R"(
    . worker_died g1/0 r1 w1 "killed by SIGSEGV" | last words
    . worker_leftovers g1/0 r1 w1
    signal w1 TERM to its tree
    spawn w2 as g1/0 of r1
    . worker_starting g1/0 r1 w2 30s
  )");
}

TEST_CASE("a worker that stops answering its watchdog is aborted, killed, and replaced") {
  AppPolicy policy = policy_of(1);
  policy.watchdog = 20s;
  Stage s;
  s.run_web(policy);
  s.pass(15s);
  s.step(WatchdogPinged{WorkerId{1}});
  ASKS(s.pass(19s), "");
  ASKS(s.pass(1s), R"(
    +1s
    . worker_watchdog g1/0 r1 w1
    signal w1 ABRT
    . worker_stopping g1/0 r1 w1 (watchdog_timeout) ABRT 10s
    spawn w2 as g1/0 of r1
    . worker_starting g1/0 r1 w2 30s
  )");
  s.up(2);
  ASKS(s.pass(10s), R"(
    +10s
    signal w1 KILL to its tree
    . worker_killed g1/0 r1 w1
  )");
}

TEST_CASE("a worker may ask to be taken for hung, and for another interval") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(WatchdogChanged{WorkerId{1}, 5s});
  CHECK(s.core().next_deadline() == s.now() + 5s);
  s.step(WatchdogChanged{WorkerId{1}, 0s});
  CHECK(s.core().next_deadline() == kNever);
  ASKS(s.step(WatchdogTriggered{WorkerId{1}}), R"(
    . worker_watchdog g1/0 r1 w1
    signal w1 ABRT
    . worker_stopping g1/0 r1 w1 (watchdog_timeout) ABRT 10s
    spawn w2 as g1/0 of r1
    . worker_starting g1/0 r1 w2 30s
  )");
}

TEST_CASE("a new worker that hangs fails the upgrade with that reason") {
  Stage s;
  s.run_web(policy_of(2));
  s.upgrade(policy_of(2));
  s.up(3);
  s.launched(4);
  ASKS(s.step(WatchdogTriggered{WorkerId{3}}), R"(
    . worker_watchdog g2/0 r2 w3
    signal w3 ABRT
    . worker_stopping g2/0 r2 w3 (watchdog_timeout) ABRT 10s
    . rollout_failed g2/0 r2 w3 upgrade (watchdog_timeout) "it asked to be taken for hung"
    ask w4 to drain in 10s
    . worker_draining g2/1 r2 w4 10s
  )");
}
