// Goal: the service manager hears what a unit needs, when it is so, and nothing twice.
#include "master/service_report.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "wire/service_notification.hpp"

namespace liveswap::master {
namespace {

using namespace std::chrono_literals;

struct Bench {
  loop::Loop loop;
  core::MasterPlan plan;
  core::Snapshot snapshot;
  std::vector<std::string> sent;
  std::optional<core::Duration> watchdog;

  Bench() {
    plan.apps.push_back({.name = "web"});
    plan.apps.push_back({.name = "api"});
    plan.apps[1].policy.ready_timeout = 60s;
    plan.shutdown = {.delay = 5s, .timeout = 60s};
    for (const char* name : {"web", "api"}) {
      core::AppSnapshot app;
      app.name = name;
      app.state = core::AppState::starting;
      app.generation = core::GenerationId{1};
      app.workers_wanted = 4;
      snapshot.apps.push_back(std::move(app));
    }
  }
  ServiceReport report() {
    return ServiceReport(loop, plan,
                         {.send =
                              [this](const wire::guard::Notify& what) -> os::Result<void> {
                                sent.push_back(wire::notification_text(what));
                                return {};
                              },
                          .snapshot = [this] { return snapshot; },
                          .problem = [](std::string_view text) { FAIL(text); },
                          .watchdog = watchdog});
  }
  void ready(std::size_t app) {
    snapshot.apps[app].state = core::AppState::running;
    snapshot.apps[app].workers_ready = 4;
  }
  std::vector<std::string> take() { return std::exchange(sent, {}); }
};

core::Note note(core::NoteKind kind) {
  core::Note made;
  made.kind = kind;
  return made;
}

using Sent = std::vector<std::string>;

TEST_CASE("a start may take what its slowest app may; READY comes once, when all are ready") {
  Bench bench;
  ServiceReport report = bench.report();
  report.begin();
  CHECK(bench.take() == Sent{"EXTEND_TIMEOUT_USEC=70000000"});
  bench.ready(0);
  report.note(note(core::NoteKind::app_running));
  CHECK(bench.take() == Sent{"STATUS=web g1 4/4 ready; api starting"});
  bench.ready(1);
  report.note(note(core::NoteKind::app_running));
  CHECK(bench.take() == Sent{"READY=1\nSTATUS=web g1 4/4 ready; api g1 4/4 ready"});
  report.note(note(core::NoteKind::app_running));
  report.note(note(core::NoteKind::worker_ready));
  CHECK(bench.take() == Sent{});
}

TEST_CASE("the next master says nothing of what was said") {
  Bench bench;
  ServiceReport report = bench.report();
  report.set_said_ready(true);
  report.begin();
  CHECK(bench.take() == Sent{});
}

TEST_CASE("what changes is told, and the end may take what is in the file") {
  Bench bench;
  ServiceReport report = bench.report();
  bench.ready(0);
  bench.ready(1);
  report.note(note(core::NoteKind::app_running));
  (void)bench.take();
  bench.snapshot.apps[0].state = core::AppState::upgrading;
  report.note(note(core::NoteKind::rollout_started));
  CHECK(bench.take() == Sent{"STATUS=web g1 4/4 ready, upgrading; api g1 4/4 ready"});
  report.note(note(core::NoteKind::shutdown_started));
  CHECK(bench.take() == Sent{"STOPPING=1\nSTATUS=draining", "EXTEND_TIMEOUT_USEC=85000000"});
}

TEST_CASE("a status fits on one line, whatever the number of apps") {
  core::Snapshot snapshot;
  for (int i = 0; i < 20; ++i) {
    core::AppSnapshot app;
    app.name = "application-" + std::to_string(i);
    snapshot.apps.push_back(std::move(app));
  }
  const std::string status = service_status(snapshot);
  CHECK(status.size() <= wire::guard::kTextMax);
  CHECK(status.ends_with(" ..."));
}

TEST_CASE("a watchdog is heard twice in its time, if it waits for us or for our guardian") {
  CHECK(watchdog_of("30000000", nullptr, 7, 6) == core::Duration(30s));
  CHECK(watchdog_of("30000000", "7", 7, 6) == core::Duration(30s));
  CHECK(watchdog_of("30000000", "6", 7, 6) == core::Duration(30s));
  CHECK(watchdog_of("30000000", "5", 7, 6) == std::nullopt);
  CHECK(watchdog_of("30000000", "0", 7, 0) == std::nullopt);
  for (const char* bad : {"", "x", "0", "-3", "1s"}) CHECK(watchdog_of(bad, nullptr, 7, 6) == std::nullopt);
  CHECK(watchdog_of(nullptr, nullptr, 7, 6) == std::nullopt);
  Bench bench;
  bench.watchdog = 20ms;
  ServiceReport report = bench.report();
  report.begin();
  loop::Timer enough(bench.loop, [&] { bench.loop.stop(); });
  enough.start_after(200ms);
  bench.loop.run();
  CHECK(std::ranges::count(bench.sent, "WATCHDOG=1") >= 5);
}

}  // namespace
}  // namespace liveswap::master
