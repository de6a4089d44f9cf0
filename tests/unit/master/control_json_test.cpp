// The JSON of the control interface, whole: its members are a promise.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "fake_operations.hpp"
#include "master/app_choice.hpp"
#include "master/outcome_json.hpp"
#include "master/status_json.hpp"
#include "master/wall_time.hpp"

namespace liveswap::master {
namespace {

using test::app_called;
using test::FakeOperations;
using wire::Json;
using namespace std::chrono_literals;

TEST_CASE("times have milliseconds and are in UTC, before and after the epoch") {
  CHECK(rfc3339(WallTime{1'767'225'599s + 999'999us}) == "2025-12-31T23:59:59.999Z");
  CHECK(rfc3339(WallTime{0s}) == "1970-01-01T00:00:00.000Z");
  CHECK(rfc3339(WallTime{-1ms}) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("status has all that is known of apps and workers") {
  FakeOperations master;
  core::AppSnapshot& app = master.state.apps[0];
  app.label = "1.4.2";
  app.workers_wanted = app.workers_ready = 1;
  app.scale_override = 1;
  app.workers.push_back({.worker = core::WorkerId{9},
                         .slot = 0,
                         .generation = core::GenerationId{3},
                         .release = core::ReleaseId{2},
                         .state = core::WorkerState::ready,
                         .since = core::Time{1500ms},
                         .restarts = 2});
  app.generations.push_back({.generation = core::GenerationId{3},
                             .release = core::ReleaseId{2},
                             .since = core::Time{1s},
                             .workers = 1});
  master.workers[core::WorkerId{9}] = {
      .pid = 77, .connections = 5, .oldest = core::Time{500ms}, .oldest_exact = true, .status = "busy"};
  master.release = {
      .protocol = core::Protocol::systemd, .target = "/srv/web", .overrides = {"--target /srv/web"}};
  master.rows.push_back({.name = "http",
                         .address = "127.0.0.1:8080",
                         .port = 8080,
                         .queue = 0,
                         .backlog = 4096,
                         .apps = {"web"}});
  CHECK(status_json(master, master.state, "").dump(1) == Json::parse(R"({
    "name": "web", "version": "0.1.0", "master": {"pid": 4242, "since": "2026-01-01T00:00:00.000Z", "guardian": null,
                                                  "binary": "", "binary_changed": false},
    "listeners": [{"name": "http", "address": "127.0.0.1:8080", "handoff": "shared", "queue": 0, "backlog": 4096,
                   "index": 0, "kind": "tcp", "port": 8080, "open": true, "paused": false, "dropped": null,
                   "apps": ["web"], "sides": []}],
    "apps": [{"name": "web", "protocol": "systemd", "bind_by": null, "state": "running", "generation": 3, "release": 2,
              "label": "1.4.2", "target": "/srv/web", "workers_wanted": 1, "workers_ready": 1,
              "overrides": ["--target /srv/web", "scale 1"], "rollout": null, "waiting_for": null,
              "workers": [{"slot": 0, "pid": 77, "generation": 3, "release": 2, "state": "ready",
                           "since": "2026-01-01T00:00:01.500Z", "restarts": 2, "connections": 5, "deadline": null,
                           "gave_up": false, "status": "busy", "worker": 9, "connections_unknown": null,
                           "oldest": "2026-01-01T00:00:00.500Z", "oldest_exact": true}],
              "generations": [{"generation": 3, "release": 2, "draining": false, "since": "2026-01-01T00:00:01.000Z",
                               "cut_at": null, "workers": 1}]}]})")
                                                             .dump(1));
}

TEST_CASE("status of an app that does not serve has null where nothing is") {
  FakeOperations master;
  core::AppSnapshot app = app_called("web");
  app.state = core::AppState::starting;
  app.generation = {};
  app.release = {};
  app.workers_ready = 0;
  app.waiting_for = "4 workers to be ready";
  app.rollout = core::RolloutSnapshot{.kind = core::RolloutKind::start,
                                      .phase = core::RolloutPhase::starting,
                                      .generation = core::GenerationId{1},
                                      .release = core::ReleaseId{1},
                                      .ready = 1,
                                      .wanted = 4};
  app.workers.push_back({.slot = 3,
                         .generation = core::GenerationId{1},
                         .release = core::ReleaseId{1},
                         .state = core::WorkerState::backoff,
                         .deadline = core::Time{2s},
                         .gave_up = true});
  app.workers.push_back({.slot = 2,
                         .generation = core::GenerationId{1},
                         .release = core::ReleaseId{1},
                         .state = core::WorkerState::starting,
                         .deadline = core::kNever});
  master.state.apps = {app, app_called("api", 2)};
  const Json apps = status_json(master, master.state, "web")["apps"];
  CHECK(apps.dump() == Json::parse(R"([{"name": "web", "protocol": "systemd", "bind_by": null, "state": "starting",
    "generation": null, "release": null, "label": null, "target": null, "workers_wanted": 4, "workers_ready": 0,
    "overrides": [], "rollout": {"kind": "start", "phase": "starting", "generation": 1, "release": 1,
    "since": "2026-01-01T00:00:00.000Z", "ready": 1, "wanted": 4}, "waiting_for": "4 workers to be ready",
    "workers": [{"slot": 3, "pid": null, "generation": 1, "release": 1, "state": "backoff",
    "since": "2026-01-01T00:00:00.000Z", "restarts": 0, "connections": null, "deadline": "2026-01-01T00:00:02.000Z",
    "gave_up": true, "status": null, "worker": null, "connections_unknown": null, "oldest": null,
    "oldest_exact": null}, {"slot": 2, "pid": null, "generation": 1,
    "release": 1, "state": "starting",
    "since": "2026-01-01T00:00:00.000Z", "restarts": 0, "connections": null, "deadline": null,
    "gave_up": false, "status": null, "worker": null, "connections_unknown": null, "oldest": null,
    "oldest_exact": null}], "generations": []}])")
                           .dump());
}

TEST_CASE("an event has its parts for programs and its sentence for people") {
  Told told{.number = 7,
            .at = WallTime{1'767'225'600s},
            .app = "web",
            .pid = 77,
            .text = "web/2 g3: died: SIGSEGV"};
  told.note = {.kind = core::NoteKind::worker_died,
               .app = core::AppId{1},
               .generation = core::GenerationId{3},
               .release = core::ReleaseId{2},
               .worker = core::WorkerId{9},
               .slot = 2,
               .status = core::ExitStatus{.signaled = true, .code = 11},
               .last_lines = {"boom"}};
  CHECK(event_json(told).dump() == Json::parse(R"({"number": 7, "time": "2026-01-01T00:00:00.000Z",
    "event": "worker_died", "level": "warn", "app": "web", "generation": 3, "release": 2, "slot": 2,
    "worker": 9, "pid": 77,
    "rollout": null, "reason": null, "exit_status": null, "signal": 11, "wait_ms": null, "count": null, "text": null,
    "last_lines": ["boom"], "message": "web/2 g3: died: SIGSEGV"})")
                                       .dump());
}

TEST_CASE("an app is ready when it runs with all workers that are wanted") {
  core::AppSnapshot app = app_called("web");
  CHECK(is_ready(app));
  app.workers_ready = 3;
  CHECK_FALSE(is_ready(app));
  app = app_called("web");
  app.state = core::AppState::upgrading;  // what serves before the rollout serves on
  CHECK(is_ready(app));
  app.state = core::AppState::starting;
  CHECK_FALSE(is_ready(app));
}

TEST_CASE("a failed rollout is an error with all that the operator must know") {
  core::Snapshot apps{.apps = {app_called("web")}};
  const core::Outcome outcome{.result = core::Result::rolled_back,
                              .reason = core::Reason::exited_before_ready,
                              .app = core::AppId{1},
                              .release = core::ReleaseId{2},
                              .generation = core::GenerationId{3},
                              .text = "exit status 3",
                              .slot = 1,
                              .last_lines = {"no module named x"},
                              .serving = 4,
                              .wanted = 4};
  const auto reply = reply_of(outcome, apps);
  CHECK(reply.error == "org.liveswap.Control.Failed");
  CHECK(reply.parameters.dump() == Json::parse(R"({"outcome": {"result": "rolled_back",
    "reason": "exited_before_ready", "text": "a worker ended before it was ready: exit status 3",
    "next": "read its last lines: liveswapctl logs", "app": "web", "release": 2, "generation": 3, "serving": 4,
    "wanted": 4, "slot": 1, "last_lines": ["no module named x"]}})")
                                       .dump());
}

TEST_CASE("each result has its error, and a failure below full strength is another one") {
  const auto error = [](core::Result result, std::uint32_t serving = 4) {
    return reply_of({.result = result, .serving = serving, .wanted = 4}, {}).error;
  };
  CHECK(error(core::Result::done) == "");
  CHECK(error(core::Result::unchanged) == "");
  CHECK(error(core::Result::rolled_back) == "org.liveswap.Control.Failed");
  CHECK(error(core::Result::rolled_back, 3) == "org.liveswap.Control.Degraded");
  CHECK(error(core::Result::failed) == "org.liveswap.Control.Failed");
  CHECK(error(core::Result::failed, 0) == "org.liveswap.Control.Degraded");
  CHECK(error(core::Result::bad_usage) == "org.liveswap.Control.BadUsage");
  CHECK(error(core::Result::denied) == "org.liveswap.Control.Denied");
  CHECK(error(core::Result::timed_out) == "org.liveswap.Control.TimedOut");
  CHECK(error(core::Result::busy) == "org.liveswap.Control.Busy");
}

TEST_CASE("the next command names the app where there are several") {
  const core::Snapshot apps{.apps = {app_called("web"), app_called("api", 2)}};
  const Json json =
      outcome_json({.result = core::Result::busy, .reason = core::Reason::busy, .app = core::AppId{2}}, apps);
  CHECK(json["next"] == "liveswapctl wait api --for committed, or: liveswapctl abort api");
}

TEST_CASE("of several outcomes the worst stands for all, of equal ones the first") {
  std::vector<core::Outcome> outcomes{{.result = core::Result::unchanged, .app = core::AppId{1}},
                                      {.result = core::Result::done, .app = core::AppId{2}},
                                      {.result = core::Result::done, .app = core::AppId{3}}};
  CHECK(worst_of(outcomes).app == core::AppId{2});
  outcomes.push_back({.result = core::Result::busy, .app = core::AppId{4}});
  outcomes.push_back({.result = core::Result::rolled_back, .app = core::AppId{5}});
  CHECK(worst_of(outcomes).app == core::AppId{5});
  outcomes.push_back({.result = core::Result::failed, .app = core::AppId{6}, .serving = 1, .wanted = 2});
  CHECK(worst_of(outcomes).app == core::AppId{6});
}

TEST_CASE("looking without a name is at all apps, changing is at the only one") {
  const core::Snapshot one{.apps = {app_called("web")}};
  const core::Snapshot two{.apps = {app_called("web"), app_called("api", 2)}};
  CHECK(apps_to_look_at(two, std::nullopt)->size() == 2);
  CHECK(apps_to_look_at(two, "api")->front()->name == "api");
  CHECK(apps_to_change(one, std::nullopt, false)->front()->name == "web");
  CHECK(apps_to_change(two, "api", false)->front()->name == "api");
  CHECK(apps_to_change(two, std::nullopt, true)->size() == 2);
}

TEST_CASE("an app that is not there, not chosen, or chosen twice is refused with what there is") {
  const core::Snapshot two{.apps = {app_called("web"), app_called("api", 2)}};
  const auto refusal = [](const auto& chosen) {
    REQUIRE_FALSE(chosen);
    CHECK(chosen.error().result == core::Result::bad_usage);
    return std::string(core::name_of(chosen.error().reason)) + ": " + chosen.error().text;
  };
  CHECK(refusal(apps_to_look_at(two, "wbe")) ==
        "no_such_app: there is no app \"wbe\" (did you mean \"web\"?)");
  CHECK(refusal(apps_to_change(two, std::nullopt, false)) ==
        "app_needed: there are several apps: name one of them, or --all: web, api");
  CHECK(refusal(app_to_change(two, std::nullopt)) ==
        "app_needed: there are several apps: name one of them: web, api");
  CHECK(refusal(apps_to_change(two, "web", true)) ==
        "bad_argument: give the name of an app or ask for all, not both");
}

}  // namespace
}  // namespace liveswap::master
