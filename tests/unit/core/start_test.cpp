// Goal: the master's own start of its apps, and what a first start that fails leads to.

#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

TEST_CASE("an app starts: release, generation, workers, and it runs when all of them are ready") {
  Stage s;
  ASKS(s.step(Begun{}), R"(
    . app_starting
    prepare web r1
  )");
  ASKS(s.prepared(1, policy_of(2)), R"(
    spawn w1 as g1/0 of r1
    . worker_starting g1/0 r1 w1 30s
    spawn w2 as g1/1 of r1
    . worker_starting g1/1 r1 w2 30s
  )");
  CHECK(s.web().waiting_for == "2 of 2 workers of g1 to become ready (30s at most)");
  ASKS(s.up(2), R"(
    reassert listeners of web
    . worker_ready g1/1 r1 w2
  )");
  CHECK(s.web().state == AppState::starting);
  ASKS(s.up(1), R"(
    reassert listeners of web
    . worker_ready g1/0 r1 w1
    . generation_ready g1 r1 x2
    . app_running g1 r1 start x2
  )");
  CHECK(s.web().state == AppState::running);
  CHECK(s.web().waiting_for.empty());
  CHECK(s.core().next_deadline() == kNever);
}

TEST_CASE("a first start that fails ends the master, when everything of it has gone") {
  Stage s({.second_app = true});
  s.step(Begun{});
  s.prepared(1, policy_of(2));
  s.prepared(1, policy_of(1), kApi);
  s.up(1);
  s.launched(2);
  s.up(3);
  ASKS(s.exited(2, 1), R"(
    . worker_died g1/1 r1 w2 "exit status 1" | last words
    . app_failed g1/1 r1 w2 start (exited_before_ready) "exit status 1" | last words
    . app_stopping
    quiesce listeners of web
    . shutdown_started
    . app_stopping g1 r1
    quiesce listeners of api
  )");
  CHECK(s.web().state == AppState::stopping);
  ASKS(s.step(ListenersQuiet{kWeb}), R"(
    . generation_draining g1 r1 1m x1
    ask w1 to drain in 1m
    . worker_draining g1/0 r1 w1 1m
  )");
  ASKS(s.exited(1), R"(
    . worker_exited g1/0 r1 w1 "exit status 0"
    . generation_gone g1 r1
    close listeners of web
    . app_stopped
    drop web r1
  )");
  CHECK(s.web().state == AppState::failed);
  ASKS(s.step(ListenersQuiet{kApi}), R"(
    . generation_draining g1 r1 1m x1
    ask w3 to drain in 1m
    . worker_draining g1/0 r1 w3 1m
  )");
  ASKS(s.exited(3), R"(
    . worker_exited g1/0 r1 w3 "exit status 0"
    . generation_gone g1 r1
    close listeners of api
    . app_stopped
    . shutdown_done
    exit 1
  )");
}

TEST_CASE("a first release that is refused ends the master") {
  Stage s;
  s.step(Begun{});
  ASKS(s.step(ReleaseRefused{kWeb, ReleaseId{1}, "web.yaml:3:1: unknown key"}), R"(
    . app_failed start (release_refused) "web.yaml:3:1: unknown key"
    . app_stopping
    . shutdown_started
    close listeners of web
    . app_stopped
    . shutdown_done
    exit 1
  )");
}

TEST_CASE("under on_failure: retry a worker that fails is tried again until the app runs") {
  Stage s({.on_start_failure = OnStartFailure::retry});
  s.step(Begun{});
  s.prepared(1, policy_of(2));
  s.up(1);
  ASKS(s.launch_failed(2), R"(
    . worker_launch_failed g1/1 r1 w2 (exec_failed) "exec ./server: No such file or directory"
    . slot_backoff g1/1 r1 (exec_failed) 100ms "exec ./server: No such file or directory"
  )");
  CHECK(s.web().state == AppState::starting);
  ASKS(s.pass(100ms), R"(
    +100ms
    spawn w3 as g1/1 of r1
    . worker_starting g1/1 r1 w3 30s
  )");
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g1/1 r1 w3
    . generation_ready g1 r1 x2
    . app_running g1 r1 start x2
  )");
}

TEST_CASE("under on_failure: retry a refused release is asked for again, its number unspent") {
  Stage s({.on_start_failure = OnStartFailure::retry});
  s.step(Begun{});
  ASKS(s.step(ReleaseRefused{kWeb, ReleaseId{1}, "no such directory"}), R"(
    . rollout_failed start (release_refused) 100ms "no such directory"
  )");
  CHECK(s.web().waiting_for == "the next attempt to make a release");
  ASKS(s.pass(100ms), R"(
    +100ms
    prepare web r1
  )");
  s.step(ReleaseRefused{kWeb, ReleaseId{1}, "no such directory"});
  ASKS(s.pass(200ms), R"(
    +200ms
    prepare web r1
  )");
  s.prepared(1, policy_of(1));
  s.up(1);
  CHECK(s.web().state == AppState::running);
}

TEST_CASE("an upgrade may mend a first start in trouble") {
  Stage s({.on_start_failure = OnStartFailure::retry});
  s.step(Begun{});
  s.prepared(1, policy_of(1));
  s.launch_failed(1);
  ASKS(s.step(UpgradeAsked{.request = RequestId{1}, .app = kWeb}), R"(
    prepare web r2 for request 1
  )");
  s.prepared(2, policy_of(1));
  ASKS(s.up(2), R"(
    reassert listeners of web
    . worker_ready g2/0 r2 w2
    . generation_ready g2 r2 x1
    . rollout_done g2 r2 upgrade x1
    answer 1: done; g2 r2 1/1
    . generation_gone g1 r1
    drop web r1
  )");
}

TEST_CASE("a first start in trouble goes on when an upgrade of it fails") {
  Stage s({.on_start_failure = OnStartFailure::retry});
  s.step(Begun{});
  s.prepared(1, policy_of(1));
  s.launch_failed(1);
  s.upgrade(policy_of(1));
  ASKS(s.launch_failed(2), R"(
    . worker_launch_failed g2/0 r2 w2 (exec_failed) "exec ./server: No such file or directory"
    . rollout_failed g2/0 r2 w2 upgrade (exec_failed) "exec ./server: No such file or directory"
    . rollout_rolled_back g2/0 r2 w2 upgrade (exec_failed) "exec ./server: No such file or directory"
    answer 1: rolled_back (exec_failed) slot 0 "exec ./server: No such file or directory"; g1 r1 0/1
    . generation_gone g2 r2
    drop web r2
  )");
  CHECK(s.web().state == AppState::starting);
  s.pass(100ms);
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g1/0 r1 w3
    . generation_ready g1 r1 x1
    . app_running g1 r1 start x1
  )");
}

TEST_CASE("a first start in trouble that recovers during an upgrade runs when that one has failed") {
  Stage s({.on_start_failure = OnStartFailure::retry});
  s.step(Begun{});
  s.prepared(1, policy_of(1));
  s.launch_failed(1);
  s.upgrade(policy_of(1));
  s.pass(100ms);
  ASKS(s.up(3), R"(
    reassert listeners of web
    . worker_ready g1/0 r1 w3
  )");
  ASKS(s.launch_failed(2), R"(
    . worker_launch_failed g2/0 r2 w2 (exec_failed) "exec ./server: No such file or directory"
    . rollout_failed g2/0 r2 w2 upgrade (exec_failed) "exec ./server: No such file or directory"
    . rollout_rolled_back g2/0 r2 w2 upgrade (exec_failed) "exec ./server: No such file or directory"
    answer 1: rolled_back (exec_failed) slot 0 "exec ./server: No such file or directory"; g1 r1 1/1
    . generation_gone g2 r2
    drop web r2
    . generation_ready g1 r1 x1
    . app_running g1 r1 start x1
  )");
  CHECK(s.web().state == AppState::running);
}

TEST_CASE("a first start whose every slot gives up fails, and the master goes on") {
  AppPolicy policy = policy_of(1);
  policy.restart_limit = RestartLimit{2, 60s};
  Stage s({.on_start_failure = OnStartFailure::retry});
  s.step(Begun{});
  s.prepared(1, policy);
  s.launch_failed(1);
  s.pass(100ms);
  ASKS(s.launch_failed(2), R"(
    . worker_launch_failed g1/0 r1 w2 (exec_failed) "exec ./server: No such file or directory"
    . slot_gave_up g1/0 r1 (gave_up) x1 "exec ./server: No such file or directory"
    . app_failed g1/0 r1 (gave_up) "exec ./server: No such file or directory"
  )");
  CHECK(s.web().state == AppState::failed);
  CHECK(s.core().next_deadline() == kNever);
}

TEST_CASE("a first start cannot be aborted, but stopped") {
  Stage s;
  s.step(Begun{});
  s.prepared(1, policy_of(1));
  s.launched(1);
  ASKS(s.step(AbortAsked{RequestId{1}, kWeb}), R"(
    answer 1: failed (no_rollout) "a start has nothing to go back to: liveswapctl stop ends it"; g1 r1 0/1
  )");
  ASKS(s.step(StopAsked{.request = RequestId{2}, .app = kWeb}), R"(
    . app_stopping g1 r1
    ask w1 to drain in 10s
    . worker_draining g1/0 r1 w1 10s
    . generation_draining g1 r1 1m x1
  )");
  ASKS(s.exited(1), R"(
    . worker_exited g1/0 r1 w1 "exit status 0"
    . generation_gone g1 r1
    close listeners of web
    . app_stopped
    answer 2: done; 0/0
    drop web r1
  )");
}
