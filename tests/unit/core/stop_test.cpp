// Goal: stop serves what waits, then drains, then closes; start binds again and is all or nothing.

#include <doctest/doctest.h>

#include "stage.hpp"

using namespace stage;

namespace {

void stop_web(Stage& s) {
  s.step(StopAsked{.request = RequestId{90}, .app = kWeb});
  s.step(ListenersQuiet{kWeb});
  for (const WorkerSnapshot& worker : s.web().workers) s.exited(worker.worker.value);
}

}  // namespace

TEST_CASE("a stopped app first serves the queues, then drains, then closes its listeners") {
  Stage s;
  s.run_web(policy_of(1));
  ASKS(s.step(StopAsked{.request = RequestId{1}, .app = kWeb}), R"(
    . app_stopping g1 r1
    quiesce listeners of web
  )");
  CHECK(s.web().waiting_for == "the listeners' queues to be served");
  ASKS(s.step(ListenersQuiet{kWeb}), R"(
    . generation_draining g1 r1 1m x1
    ask w1 to drain in 1m
    . worker_draining g1/0 r1 w1 1m
  )");
  CHECK(s.web().waiting_for == "1 worker to end");
  ASKS(s.exited(1), R"(
    . worker_exited g1/0 r1 w1 "exit status 0"
    . generation_gone g1 r1
    close listeners of web
    . app_stopped
    answer 1: done; 0/0
  )");
  CHECK(s.web().state == AppState::stopped);
  CHECK(s.core().next_deadline() == kNever);
  ASKS(s.step(StopAsked{.request = RequestId{2}, .app = kWeb}), R"(
    answer 2: unchanged (unchanged); 0/0
  )");
}

TEST_CASE("a queue that nobody serves delays a stop by five seconds") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(StopAsked{.request = RequestId{1}, .app = kWeb});
  ASKS(s.pass(5s), R"(
    +5s
    . generation_draining g1 r1 1m x1
    ask w1 to drain in 1m
    . worker_draining g1/0 r1 w1 1m
  )");
}

TEST_CASE("a worker that crashes while the queues are served is replaced") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(StopAsked{.request = RequestId{1}, .app = kWeb});
  ASKS(s.killed(1, 9), R"(
    . worker_died g1/0 r1 w1 "killed by SIGKILL" | last words
    spawn w2 as g1/0 of r1
    . worker_starting g1/0 r1 w2 30s
  )");
}

TEST_CASE("stop --now stops every worker at once") {
  Stage s;
  s.run_web(policy_of(1));
  ASKS(s.step(StopAsked{.request = RequestId{1}, .app = kWeb, .now = true}), R"(
    . app_stopping g1 r1
    . generation_draining g1 r1 1m x1
    signal w1 TERM
    . worker_stopping g1/0 r1 w1 TERM 10s
  )");
}

TEST_CASE("stop --now hurries a stop that is under way") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(StopAsked{.request = RequestId{1}, .app = kWeb});
  s.step(ListenersQuiet{kWeb});
  ASKS(s.step(StopAsked{.request = RequestId{2}, .app = kWeb, .now = true}), R"(
    . generation_cut g1 r1 x1 "the app is stopped at once"
    . worker_stopping g1/0 r1 w1 10s
  )");
  ASKS(s.exited(1), R"(
    . worker_exited g1/0 r1 w1 "exit status 0"
    . generation_gone g1 r1
    close listeners of web
    . app_stopped
    answer 1: done; 0/0
    answer 2: done; 0/0
  )");
}

TEST_CASE("a stop ends the rollout that is under way") {
  Stage s;
  s.run_web(policy_of(1));
  s.upgrade(policy_of(1));
  s.launched(2);
  ASKS(s.step(StopAsked{.request = RequestId{2}, .app = kWeb}), R"(
    . app_stopping g1 r1
    . rollout_failed g2 r2 upgrade (aborted)
    ask w2 to drain in 10s
    . worker_draining g2/0 r2 w2 10s
    answer 1: failed (aborted); g1 r1 1/1
    quiesce listeners of web
  )");
  ASKS(s.step(ListenersQuiet{kWeb}), R"(
    . generation_draining g1 r1 1m x1
    ask w1 to drain in 1m
    . worker_draining g1/0 r1 w1 1m
    . generation_draining g2 r2 1m x1
  )");
}

TEST_CASE("a stopped app takes no requests but start") {
  Stage s;
  s.run_web(policy_of(1));
  stop_web(s);
  ASKS(s.step(UpgradeAsked{.request = RequestId{1}, .app = kWeb}), R"(
    answer 1: failed (not_running); 0/0
  )");
  ASKS(s.step(RestartAsked{.request = RequestId{2}, .app = kWeb}), R"(
    answer 2: failed (not_running); 0/0
  )");
  ASKS(s.step(WaitAsked{.request = RequestId{3}, .app = kWeb}), R"(
    answer 3: failed (not_running); 0/0
  )");
}

TEST_CASE("a start binds the listeners and runs the pinned release") {
  Stage s;
  s.run_web(policy_of(1));
  ASKS(s.step(StartAsked{.request = RequestId{1}, .app = kWeb}), R"(
    answer 1: failed (already_running); g1 r1 1/1
  )");
  stop_web(s);
  ASKS(s.step(StartAsked{.request = RequestId{2}, .app = kWeb}), R"(
    . app_starting
    open listeners of web
  )");
  CHECK(s.web().waiting_for == "the listeners to be bound");
  ASKS(s.step(ListenersOpened{kWeb}), R"(
    spawn w2 as g2/0 of r1
    . worker_starting g2/0 r1 w2 30s
  )");
  ASKS(s.up(2), R"(
    reassert listeners of web
    . worker_ready g2/0 r1 w2
    . generation_ready g2 r1 x1
    . app_running g2 r1 start x1
    answer 2: done; g2 r1 1/1
  )");
}

TEST_CASE("a start whose listeners cannot be bound fails") {
  Stage s;
  s.run_web(policy_of(1));
  stop_web(s);
  s.step(StartAsked{.request = RequestId{1}, .app = kWeb});
  ASKS(s.step(ListenersFailed{kWeb, "bind(0.0.0.0:80): Address already in use"}), R"(
    . app_failed (listener_failed) "bind(0.0.0.0:80): Address already in use"
    answer 1: failed (listener_failed) "bind(0.0.0.0:80): Address already in use"; 0/0
  )");
  CHECK(s.web().state == AppState::failed);
}

TEST_CASE("a start that fails leaves nothing behind, and the next one reads the file again") {
  Stage s;
  s.run_web(policy_of(1));
  stop_web(s);
  s.step(StartAsked{.request = RequestId{1}, .app = kWeb});
  s.step(ListenersOpened{kWeb});
  ASKS(s.launch_failed(2), R"(
    . worker_launch_failed g2/0 r1 w2 (exec_failed) "exec ./server: No such file or directory"
    . app_failed g2/0 r1 w2 start (exec_failed) "exec ./server: No such file or directory"
    . app_stopping
    . generation_gone g2 r1
    close listeners of web
    . app_stopped
    answer 1: failed (exec_failed) slot 0 "exec ./server: No such file or directory"; 0/0
    drop web r1
  )");
  CHECK(s.web().state == AppState::failed);
  s.step(StartAsked{.request = RequestId{2}, .app = kWeb});
  ASKS(s.step(ListenersOpened{kWeb}), R"(
    prepare web r2 for request 2
  )");
}

TEST_CASE("of several attempts to bind, with stops in between, the last answer counts") {
  Stage s;
  s.run_web(policy_of(1));
  stop_web(s);
  s.step(StartAsked{.request = RequestId{1}, .app = kWeb});
  ASKS(s.step(StopAsked{.request = RequestId{2}, .app = kWeb}), R"(
    . app_stopping
    answer 1: failed (aborted); 0/0
    close listeners of web
    . app_stopped
    answer 2: done; 0/0
  )");
  s.step(StartAsked{.request = RequestId{3}, .app = kWeb});
  ASKS(s.step(ListenersOpened{kWeb}), "");
  ASKS(s.step(ListenersOpened{kWeb}), R"(
    spawn w2 as g2/0 of r1
    . worker_starting g2/0 r1 w2 30s
  )");
}

TEST_CASE("a stopped app adopts a server as its one worker, from a release that is made anew") {
  Stage s;
  s.run_web(policy_of(2));
  s.step(StopAsked{.request = RequestId{1}, .app = kWeb, .now = true});
  s.exited(1);
  s.exited(2);
  ASKS(s.step(AdoptAsked{.request = RequestId{2}, .app = kWeb}), R"(
    . app_starting
    open listeners of web
    drop web r1
  )");
  s.step(ListenersOpened{kWeb});
  ASKS(s.prepared(2, policy_of(2)), R"(
    spawn w3 as g2/0 of r2
    . worker_starting g2/0 r2 w3 30s
  )");
  s.launched(3);
  CHECK(s.ready(3).contains("answer 2: done; g2 r2 1/1"));
  CHECK(s.step(AdoptAsked{.request = RequestId{3}, .app = kWeb}).contains("answer 3: failed (already_running)"));
}

TEST_CASE("an app whose first start is in trouble adopts a server in place of it") {
  Stage s({.on_start_failure = OnStartFailure::retry});
  s.step(Begun{});
  s.prepared(1, policy_of(1));
  CHECK(s.step(AdoptAsked{.request = RequestId{1}, .app = kWeb}).contains("answer 1: busy (busy)"));
  s.launched(1);
  s.exited(1, 1);
  CHECK(s.step(AdoptAsked{.request = RequestId{2}, .app = kWeb}).contains("prepare web r2 for request 2"));
  CHECK(s.prepared(2, policy_of(3)).contains("spawn w2 as g2/0 of r2"));
  CHECK(s.up(2).contains("answer 2: done; g2 r2 1/1"));
}
