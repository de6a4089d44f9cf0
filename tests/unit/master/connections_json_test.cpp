// Who is connected, as JSON: against a master that says what the test puts into its mouth.
#include "master/connections_json.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "fake_operations.hpp"

namespace liveswap::master {
namespace {

using namespace std::chrono_literals;
using test::FakeOperations;
using wire::Json;

core::Time ago(core::Duration age) { return core::Time{} - age; }

core::WorkerSnapshot worker(std::uint64_t id, std::uint64_t generation, core::Slot slot) {
  core::WorkerSnapshot made;
  made.worker = core::WorkerId{id};
  made.generation = core::GenerationId{generation};
  made.slot = slot;
  return made;
}

ConnectionRow row(core::Duration age) {
  ConnectionRow made;
  made.pid = 77;
  made.since = ago(age);
  made.state = "established";
  return made;
}

TEST_CASE("connections have all that is known of them, and null where it is not") {
  FakeOperations master;
  master.state.apps[0].workers = {worker(9, 3, 1)};
  ConnectionRow tcp = row(2s);
  tcp.peer = "192.0.2.7:50123";
  tcp.since_exact = true;
  tcp.last_data = ago(1500ms);
  tcp.bytes_in = 12;
  tcp.bytes_out = 3456;
  ConnectionRow local = row(1s);
  local.peer_pid = 812;
  local.state = "close_wait";
  master.open_connections[core::WorkerId{9}] = {tcp, local};
  CHECK(connections_json(master, master.state, "") == Json::parse(R"({"connections": [
    {"app": "web", "generation": 3, "slot": 1, "worker": 9, "pid": 77, "peer": "192.0.2.7:50123", "peer_pid": null,
     "since": "2025-12-31T23:59:58.000Z", "since_exact": true, "idle_ms": 1500, "bytes_in": 12, "bytes_out": 3456,
     "state": "established"},
    {"app": "web", "generation": 3, "slot": 1, "worker": 9, "pid": 77, "peer": null, "peer_pid": 812,
     "since": "2025-12-31T23:59:59.000Z", "since_exact": false, "idle_ms": null, "bytes_in": null, "bytes_out": null,
     "state": "close_wait"}], "left_out": 0, "unknown": []})"));
}

TEST_CASE("of other apps nothing is shown, and of a worker that cannot be looked into why") {
  FakeOperations master;
  master.state.apps.push_back(test::app_called("shop", 2));
  master.state.apps[0].workers = {worker(9, 3, 0)};
  master.state.apps[1].workers = {worker(10, 3, 0)};
  master.open_connections[core::WorkerId{9}] = {row(1s)};
  master.workers[core::WorkerId{10}].connections_unknown = "PID 5: no";
  CHECK(connections_json(master, master.state, "shop") == Json::parse(R"({"connections": [], "left_out": 0, "unknown": [
    {"app": "shop", "generation": 3, "slot": 0, "worker": 10, "why": "PID 5: no"}]})"));
}

TEST_CASE("of very many the oldest are shown") {
  FakeOperations master;
  master.state.apps[0].workers = {worker(9, 3, 0), worker(10, 3, 1)};
  for (int i = 0; i < 1500; ++i) {
    master.open_connections[core::WorkerId{i % 2 == 0 ? 9U : 10U}].push_back(row(std::chrono::seconds(i)));
  }
  const Json reply = connections_json(master, master.state, "web");
  CHECK(reply["connections"].size() == 1000);
  CHECK(reply["left_out"] == 500);
  for (const Json& each : reply["connections"]) CHECK(each["since"] <= "2025-12-31T23:51:40.000Z");
}

}  // namespace
}  // namespace liveswap::master
