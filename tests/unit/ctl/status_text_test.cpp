// Replies as text for people: whole pages.
#include "ctl/status_text.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <sstream>

namespace liveswap::ctl {
namespace {

using wire::Json;

Page page(std::size_t columns = 80) {
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  return {.now = *parse_time("2026-01-31T14:00:00.000Z"), .columns = columns, .place = ""};
}

const char* const kUpgraded = R"({"apps": [{"name": "web", "state": "running", "generation": 9, "release": 8,
  "label": "1.4.2", "workers_wanted": 4, "workers_ready": 4, "overrides": [], "rollout": null, "waiting_for": null,
  "generations": [
    {"generation": 9, "release": 8, "draining": false, "since": "2026-01-31T12:00:00.000Z", "cut_at": null},
    {"generation": 8, "release": 7, "draining": true, "since": "2026-01-31T13:19:00.000Z",
     "cut_at": "2026-01-31T14:32:00.000Z", "workers": 1}],
  "workers": [
    {"slot": 0, "pid": 77, "generation": 9, "state": "ready", "since": "2026-01-31T12:00:00.000Z", "restarts": 0,
     "connections": null, "status": "fine"},
    {"slot": 0, "pid": 66, "generation": 8, "state": "draining", "since": "2026-01-31T13:19:00.000Z", "restarts": 1,
     "connections": 3, "status": null}]}]})";

TEST_CASE("status shows what serves, what drains, and how to end that") {
  CHECK(status_text(Json::parse(kUpgraded), false, page()) ==
        "web   r8 1.4.2      g9     4/4 ready                                     2h\n"
        "      r7            g8     draining: 3 connections, cut at 14:32\n"
        "      liveswapctl drain g8 --now | --extend 10m\n");
}

TEST_CASE("status of an app has a line for each worker, and what the user typed to name the master") {
  Page with_place = page();
  with_place.place = "-n site";
  CHECK(status_text(Json::parse(kUpgraded), true, with_place) ==
        "web   r8 1.4.2      g9     4/4 ready                                     2h\n"
        "      r7            g8     draining: 3 connections, cut at 14:32\n"
        "      liveswapctl -n site drain g8 --now | --extend 10m\n"
        "      slot 0 g9: ready 2h, PID 77: fine\n"
        "      slot 0 g8: draining 41m, PID 66, 3 connections, restarts 1\n");
}

TEST_CASE("the oldest connection of a draining generation is shown, and the command beside it where there is room") {
  Json status = Json::parse(kUpgraded);
  Json& draining = status["apps"][0]["workers"][1];
  draining["oldest"] = "2026-01-31T13:19:00.000Z";
  draining["oldest_exact"] = false;
  CHECK(status_text(status, false, page(130)) ==
        "web   r8 1.4.2      g9     4/4 ready                                     2h\n"
        "      r7            g8     draining: 3 connections, oldest >41m, cut at 14:32     "
        "liveswapctl drain g8 --now | --extend 10m\n");
  draining["oldest_exact"] = true;
  CHECK(status_text(status, true, page()) ==
        "web   r8 1.4.2      g9     4/4 ready                                     2h\n"
        "      r7            g8     draining: 3 connections, oldest 41m, cut at 14:32\n"
        "      liveswapctl drain g8 --now | --extend 10m\n"
        "      slot 0 g9: ready 2h, PID 77: fine\n"
        "      slot 0 g8: draining 41m, PID 66, 3 connections, oldest 41m, restarts 1\n");
  draining["connections"] = nullptr;
  draining["oldest"] = nullptr;
  CHECK(status_text(status, false, page()).contains("draining: 1 worker, connections unknown, cut at 14:32\n"));
}

TEST_CASE("status shows a rollout, what is waited for, what is not from the file, and slots in trouble") {
  const Json status = Json::parse(R"({"apps": [
    {"name": "web", "state": "upgrading", "generation": 9, "release": 8, "label": null, "workers_wanted": 2,
     "workers_ready": 1, "overrides": ["--env A=1"], "waiting_for": "slot 1 to be ready",
     "rollout": {"kind": "upgrade", "phase": "starting", "generation": 10, "release": 9,
                 "since": "2026-01-31T13:59:48.000Z", "ready": 1, "wanted": 2}, "generations": [],
     "workers": [{"slot": 1, "pid": null, "generation": 9, "state": "backoff", "since": "2026-01-31T13:59:58.000Z",
                  "restarts": 5, "gave_up": true}]},
    {"name": "background", "state": "stopped", "generation": null, "release": null, "workers_wanted": 2,
     "workers_ready": 0}, {"name": "x", "state": "failed", "workers_wanted": 1, "workers_ready": 0}]})");
  CHECK(status_text(status, false, page()) ==
        "web         r8            g9     1/2 ready\n"
        "            r9            g10    upgrade under way: 1/2 ready, since 12s\n"
        "            waits for slot 1 to be ready\n"
        "            not from the file: --env A=1\n"
        "            slot 1 g9: died too often, not started again 2s, restarts 5\n"
        "background  -             -      stopped\n"
        "x           -             -      failed, 0/1 ready\n");
}

TEST_CASE("status shows how a program is seen to bind, where it binds by itself") {
  const Json status = Json::parse(R"({"apps": [
    {"name": "web", "state": "running", "generation": 1, "release": 1, "workers_wanted": 1, "workers_ready": 1,
     "bind_by": "preload"},
    {"name": "api", "state": "running", "generation": 1, "release": 1, "workers_wanted": 1, "workers_ready": 1,
     "bind_by": null}]})");
  CHECK(status_text(status, false, page()) ==
        "web   r1            g1     1/1 ready\n"
        "      is seen to bind by preload\n"
        "api   r1            g1     1/1 ready\n");
}

TEST_CASE("a rollout that is being prepared has no release and no workers yet") {
  const Json status = Json::parse(R"({"apps": [
    {"name": "web", "state": "upgrading", "generation": 1, "release": 1, "workers_wanted": 2, "workers_ready": 2,
     "waiting_for": "the pre_upgrade hook to end", "rollout": {"kind": "upgrade", "phase": "preparing",
     "generation": 0, "release": 0, "since": "2026-01-31T13:59:48.000Z", "ready": 0, "wanted": 0}}]})");
  CHECK(status_text(status, false, page()) ==
        "web   r1            g1     2/2 ready\n"
        "      -             -      upgrade under way, since 12s\n"
        "      waits for the pre_upgrade hook to end\n");
}

TEST_CASE("status tells of listeners that are paused, once for each") {
  CHECK(status_text(Json::parse(R"({"apps": [], "listeners": [
          {"name": "http", "index": 0, "open": true, "paused": true},
          {"name": "http", "index": 1, "open": true, "paused": true},
          {"name": "dns", "index": 0, "open": false, "paused": true},
          {"name": "bus", "index": 0, "open": true, "paused": false}]})"),
                    false, page()) ==
        "listener http is paused: new clients wait\n"
        "listener dns is paused: closed until its app is started\n");
}

TEST_CASE("status fits a terminal of 80 columns and any other") {
  for (const std::size_t columns : {20U, 40U, 80U}) {
    std::istringstream lines(status_text(Json::parse(kUpgraded), true, page(columns)));
    for (std::string line; std::getline(lines, line);) CHECK(width_of(line) <= columns);
  }
}

TEST_CASE("status of what is no status is empty, not a crash") {
  CHECK(status_text(Json::parse("{}"), true, page()) == "");
  CHECK(status_text(
            Json::parse(
                R"({"apps": [{}, 7, {"name": 1, "workers": [1], "generations": [{"draining": true}]}]})"),
            true, page())
            .starts_with("      -             -      0/0 ready\n"));
}

TEST_CASE("listeners have their address, queue and users") {
  const Json reply = Json::parse(R"({"listeners": [
    {"name": "http", "kind": "tcp", "address": "127.0.0.1:80", "queue": 3, "backlog": 4096, "open": true,
     "paused": true,
     "dropped": null, "apps": ["web", "api"]},
    {"name": "old", "kind": "tcp", "address": "127.0.0.1:81", "queue": null, "backlog": null, "open": false,
     "paused": true, "dropped": null, "apps": ["api"]},
    {"name": "dns", "kind": "udp", "address": "[::1]:53", "queue": null, "backlog": null, "open": false, "dropped": 7,
     "apps": []}]})");
  CHECK(listeners_text(reply) ==
        "NAME  ADDRESS             QUEUE      APPS\n"
        "http  tcp://127.0.0.1:80  3 of 4096  web, api  paused\n"
        "old   tcp://127.0.0.1:81  -          api       closed, paused\n"
        "dns   udp://[::1]:53      -                    closed, 7 dropped\n");
}

TEST_CASE("history has a line for each rollout") {
  const Json reply = Json::parse(R"({"apps": [{"name": "web", "rollouts": [
    {"kind": "start", "result": "done", "reason": null, "generation": 1, "release": 1, "label": "1.0", "text": null,
     "begun": "2026-01-31T12:00:00.000Z", "ended": "2026-01-31T12:00:01.460Z"},
    {"kind": "upgrade", "result": "rolled_back", "reason": "ready_timeout", "generation": 2, "release": 2,
     "label": null,
     "text": "slot 0", "begun": "2026-01-31T13:00:00.000Z", "ended": "2026-01-31T13:00:30.000Z"}]}]})");
  CHECK(history_text(reply, page()) ==
        "2026-01-31 12:00:00  r1 1.0  g1  start    done         1.4s\n"
        "2026-01-31 13:00:00  r2      g2  upgrade  rolled back  30s   ready_timeout: slot 0\n");
}

TEST_CASE("masters have a line each, also one that does not answer") {
  const std::vector<Json> masters{
      Json::parse(
          R"({"name": "site", "version": "0.1.0", "master": {"pid": 42, "since": "2026-01-31T12:00:00.000Z"},
        "apps": [{"name": "web", "state": "running", "workers_wanted": 4, "workers_ready": 4},
                 {"name": "api", "state": "upgrading", "workers_wanted": 2, "workers_ready": 2}]})"),
      Json::parse(R"({"name": "other", "control": "/run/liveswap/other/control.sock", "reason": "denied",
                      "error": "no right to reach it"})"),
      Json::parse(R"({"name": "hung", "control": "/run/liveswap/hung/control.sock", "reason": "no_master",
                      "error": "it does not answer"})")};
  CHECK(masters_text(masters, page()) ==
        "NAME  PID  SINCE  VERSION  APPS\n"
        "site  42   2h     0.1.0    web running 4/4, api upgrading 2/2\n"
        "/run/liveswap/other/control.sock: not listed: permission denied\n"
        "/run/liveswap/hung/control.sock: not listed: it does not answer\n");
  CHECK(masters_text({masters.back()}, page()) ==
        "/run/liveswap/hung/control.sock: not listed: it does not answer\n");
}

TEST_CASE("events and lines are one line each, harmless on a terminal") {
  page();
  const Json event{
      {"time", "2026-01-31T12:00:00.000Z"}, {"level", "warn"}, {"message", "web/2 g3: died\x1b[2J"}};
  CHECK(event_text(event, Style{}) == "2026-01-31 12:00:00 web/2 g3: died?[2J");
  CHECK(event_text(event, Style{.color = true}) == "2026-01-31 12:00:00 \033[33mweb/2 g3: died?[2J\033[0m");
  const Json line{{"app", "web"}, {"slot", 2}, {"generation", 3}, {"text", "\x1b[1mhi"}};
  CHECK(line_text(line, true) == "web/2 g3 | ?[1mhi");
  CHECK(line_text(line, false) == "web/2 g3 | \x1b[1mhi");
  CHECK(line_text({{"app", nullptr}, {"text", "liveswap: ready"}}, true) == "liveswap: ready");
}

}  // namespace
}  // namespace liveswap::ctl
