// What a terminal shows of a rollout: whole screens.
#include "ctl/rollout_view.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace liveswap::ctl {
namespace {

using wire::Json;
using Lines = std::vector<std::string>;

Json worker(const char* event, int generation, int slot) {
  return {{"event", event}, {"app", "web"}, {"generation", generation}, {"slot", slot}, {"message", "x"}};
}

Json headline(const char* message, const char* app = "web") {
  return {{"event", "rollout_started"}, {"app", app}, {"message", message}};
}

TEST_CASE("each worker has a line with its state") {
  RolloutView view;
  view.add_event(headline("web: upgrade to r9: 2 workers"));
  view.add_event(worker("worker_starting", 10, 0));
  view.add_event(worker("worker_starting", 10, 1));
  view.add_event(worker("worker_ready", 10, 1));
  view.add_event(worker("worker_draining", 9, 0));
  view.add_event(worker("worker_exited", 9, 1));
  CHECK(view.lines(80, 24, Style{}) == Lines{"web: upgrade to r9: 2 workers", "  web/0 g9       draining",
                                             "  web/1 g9       gone", "  web/0 g10      starting",
                                             "  web/1 g10      ready"});
}

TEST_CASE("a notice stands below everything, and takes a row of its own") {
  RolloutView view;
  view.add_event(headline("web: upgrade to r9: 2 workers"));
  for (int slot = 0; slot < 3; ++slot) view.add_event(worker("worker_starting", 10, slot));
  view.set_notice("the master went away");
  CHECK(view.has_notice());
  CHECK(view.lines(80, 4, Style{}) == Lines{"web: upgrade to r9: 2 workers", "  web/0 g10      starting",
                                            "  and 2 more workers", "the master went away"});
  view.set_notice("");
  CHECK(view.lines(80, 4, Style{}) == Lines{"web: upgrade to r9: 2 workers", "  web/0 g10      starting",
                                            "  web/1 g10      starting", "  web/2 g10      starting"});
}

TEST_CASE("a rollout that names a slot is no worker") {
  RolloutView view;
  Json restart = headline("web g2: restart to r2: 1 worker");
  restart.update(Json{{"generation", 2}, {"slot", 0}});
  view.add_event(restart);
  view.add_event(worker("worker_starting", 2, 0));
  CHECK(view.lines(80, 24, Style{}) == Lines{"web g2: restart to r2: 1 worker", "  web/0 g2       starting"});
  Json failed = restart;
  failed.update(Json{{"event", "rollout_failed"}, {"message", "web g2: restart failed: exit status 3 (slot 0)"}});
  view.add_event(failed);
  CHECK(view.lines(80, 24, Style{}).front() == "web g2: restart failed: exit status 3 (slot 0)");
}

TEST_CASE("a draining worker's open connections are shown when they are known") {
  RolloutView view;
  CHECK_FALSE(view.is_draining());
  view.add_event(worker("worker_draining", 9, 0));
  CHECK(view.is_draining());
  const auto status = [](Json connections) {
    const Json of_worker{{"slot", 0}, {"generation", 9}, {"connections", connections}};
    return Json{{"apps", Json::array({{{"name", "web"}, {"workers", Json::array({of_worker})}}})}};
  };
  view.add_status(status(3), WallTime{});
  CHECK(view.lines(80, 24, Style{}) == Lines{"  web/0 g9       draining: 3 connections open"});
  view.add_status(status(1), WallTime{});
  CHECK(view.lines(80, 24, Style{}) == Lines{"  web/0 g9       draining: 1 connection open"});
  view.add_status(status(nullptr), WallTime{});
  CHECK(view.lines(80, 24, Style{}) == Lines{"  web/0 g9       draining"});
}

TEST_CASE("the oldest connection is shown, and what was cut stays to be seen") {
  RolloutView view;
  view.add_event(worker("worker_draining", 9, 0));
  const Json of_worker{{"slot", 0}, {"generation", 9}, {"connections", 3},
                       {"oldest", "2026-01-31T13:19:00.000Z"}, {"oldest_exact", false}};
  view.add_status(Json{{"apps", Json::array({{{"name", "web"}, {"workers", Json::array({of_worker})}}})}},
                  *parse_time("2026-01-31T14:00:00.000Z"));
  CHECK(view.lines(80, 24, Style{}) == Lines{"  web/0 g9       draining: 3 connections open, oldest >41m"});
  Json cut = worker("worker_cut", 9, 0);
  cut["count"] = 3;
  view.add_event(cut);
  view.add_event(worker("worker_stopping", 9, 0));
  CHECK(view.lines(80, 24, Style{}) == Lines{"  web/0 g9       stopping: cut with 3 connections open"});
  Json exited = worker("worker_exited", 9, 0);
  exited["signal"] = 9;
  view.add_event(exited);
  CHECK(view.lines(80, 24, Style{}) == Lines{"  web/0 g9       gone: cut with 3 connections open, signal 9"});
}

TEST_CASE("how a worker ended, and when it comes again, is shown") {
  RolloutView view;
  Json died = worker("worker_died", 10, 0);
  died["signal"] = 11;
  view.add_event(died);
  CHECK(view.lines(80, 24, Style{}) == Lines{"  web/0 g10      died: signal 11"});
  Json backoff = worker("slot_backoff", 10, 0);
  backoff["wait_ms"] = 1250;
  view.add_event(backoff);
  CHECK(view.lines(80, 24, Style{}) == Lines{"  web/0 g10      waits: again in 1.2s"});
  Json exited = worker("worker_exited", 10, 0);
  exited["exit_status"] = 1;
  view.add_event(exited);
  CHECK(view.lines(80, 24, Style{}) == Lines{"  web/0 g10      gone: exit status 1"});
}

TEST_CASE("a slot's new worker stands beside the one that drains, and in place of one that ended") {
  RolloutView view;
  const auto numbered = [](const char* event, int number) {
    Json with_number = worker(event, 6, 1);
    with_number["worker"] = number;
    return with_number;
  };
  view.add_event(numbered("worker_starting", 7));
  view.add_event(numbered("worker_ready", 7));
  view.add_event(numbered("worker_draining", 4));
  CHECK(view.lines(80, 24, Style{}) == Lines{"  web/1 g6       draining", "  web/1 g6       ready"});
  view.add_event(numbered("worker_exited", 4));
  view.add_event(numbered("worker_died", 7));
  view.add_event(numbered("slot_backoff", 7));
  view.add_event(numbered("worker_starting", 8));
  CHECK(view.lines(80, 24, Style{}) == Lines{"  web/1 g6       starting"});
}

TEST_CASE("lines are cut to the terminal, and more workers than rows are counted") {
  RolloutView view;
  view.add_event(headline("web: upgrade to r9: 64 workers, and a long sentence"));
  for (int slot = 0; slot < 64; ++slot) view.add_event(worker("worker_ready", 10, slot));
  view.add_event(worker("worker_starting", 10, 63));
  CHECK(view.lines(20, 4, Style{}) == Lines{"web: upgrade to r9: ", "  web/63 g10     sta",
                                            "  web/0 g10      rea", "  and 62 more worker"});
  CHECK(view.lines(80, 1, Style{}) == Lines{"web: upgrade to r9: 64 workers, and a long sentence"});
}

TEST_CASE("several apps have a headline each, and strangers' text is made harmless") {
  RolloutView view;
  view.add_event(headline("api: upgrade", "api"));
  view.add_event(headline("web: \x1b[2J", "web"));
  CHECK(view.lines(80, 24, Style{}) == Lines{"api: upgrade", "web: ?[2J"});
}

}  // namespace
}  // namespace liveswap::ctl
