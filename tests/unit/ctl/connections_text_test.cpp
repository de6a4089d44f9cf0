// Connections as text: whole pages.
#include "ctl/connections_text.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace liveswap::ctl {
namespace {

using wire::Json;

Page page() { return {.now = *parse_time("2026-01-31T14:00:00.000Z"), .place = ""}; }

TEST_CASE("who is connected is a table that fits a terminal") {
  const Json reply = Json::parse(R"({"connections": [
    {"app": "web", "generation": 8, "slot": 0, "worker": 9, "pid": 77, "peer": "[2001:db8::7]:50123", "peer_pid": null,
     "since": "2026-01-31T13:19:00.000Z", "since_exact": false, "idle_ms": 1500, "bytes_in": 812, "bytes_out": 13300,
     "state": "established"},
    {"app": "web", "generation": 8, "slot": 0, "worker": 9, "pid": 77, "peer": null, "peer_pid": 812,
     "since": "2026-01-31T13:59:59.000Z", "since_exact": true, "idle_ms": null, "bytes_in": null,
     "bytes_out": 9000000, "state": "close_wait"}], "left_out": 500,
    "unknown": [{"app": "web", "generation": 8, "slot": 1, "worker": 10, "why": "PID 5: no"}]})");
  CHECK(connections_text(reply, page()) ==
        "WORKER    PID  PEER                 AGE   IDLE  IN   OUT   STATE\n"
        "web/0 g8  77   [2001:db8::7]:50123  >41m  1s    812  13K   established\n"
        "web/0 g8  77   PID 812              1s    -     -    8.6M  close_wait\n"
        "and 500 younger ones\n"
        "web/1 g8: unknown: PID 5: no\n");
}

TEST_CASE("where nobody is connected that is said") {
  CHECK(connections_text(Json::parse(R"({"connections": [], "left_out": 0, "unknown": []})"), page()) ==
        "no open connections\n");
}

}  // namespace
}  // namespace liveswap::ctl
