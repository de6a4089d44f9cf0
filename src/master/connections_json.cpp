#include "master/connections_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "master/wall_time.hpp"

namespace liveswap::master {

namespace {

using wire::Json;

struct Place {
  const core::AppSnapshot* app;
  const core::WorkerSnapshot* worker;
};

struct Row {
  Place place;
  ConnectionRow connection;
};

// What every row begins with.
Json worker_json(const Place& place) {
  return {{"app", place.app->name},
          {"generation", place.worker->generation.value},
          {"slot", place.worker->slot},
          {"worker", place.worker->worker.value}};
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json connection_json(const Operations& master, const Row& row) {
  const ConnectionRow& connection = row.connection;
  Json idle = nullptr;
  if (connection.last_data) {
    const auto silence = std::max(master.now() - *connection.last_data, core::Duration::zero());
    idle = std::chrono::duration_cast<std::chrono::milliseconds>(silence).count();
  }
  Json json = worker_json(row.place);
  json.update({{"pid", connection.pid},
               {"peer", or_null(connection.peer)},
               {"peer_pid", connection.peer_pid != 0 ? Json(connection.peer_pid) : Json(nullptr)},
               {"since", rfc3339(master.wall(connection.since))},
               {"since_exact", connection.since_exact},
               {"idle_ms", std::move(idle)},
               {"bytes_in", or_null(connection.bytes_in)},
               {"bytes_out", or_null(connection.bytes_out)},
               {"state", connection.state}});
  return json;
}

// Keeps the oldest, in the order in which they are; how many were left out.
std::size_t shorten(std::vector<Row>& rows) {
  if (rows.size() <= kConnectionsShown) return 0;
  std::vector<core::Time> ages;
  for (const Row& row : rows) ages.push_back(row.connection.since);
  std::ranges::nth_element(ages, ages.begin() + kConnectionsShown - 1);
  const core::Time youngest = ages[kConnectionsShown - 1];
  const std::size_t before = rows.size();
  std::erase_if(rows, [&](const Row& row) { return row.connection.since > youngest; });
  if (rows.size() > kConnectionsShown) rows.resize(kConnectionsShown);  // of the same age
  return before - rows.size();
}

}  // namespace

Json connections_json(const Operations& master, const core::Snapshot& snapshot, const std::string& app) {
  std::vector<Row> rows;
  Json unknown = Json::array();
  for (const core::AppSnapshot& each : snapshot.apps) {
    if (!app.empty() && each.name != app) continue;
    for (const core::WorkerSnapshot& worker : each.workers) {
      if (!worker.worker) continue;
      const WorkerFacts facts = master.worker_facts(worker.worker);
      if (!facts.connections_unknown.empty()) {
        Json row = worker_json({&each, &worker});
        row["why"] = facts.connections_unknown;
        unknown.push_back(std::move(row));
      }
      for (ConnectionRow& row : master.connections(worker.worker)) rows.push_back({{&each, &worker}, std::move(row)});
    }
  }
  const std::size_t left_out = shorten(rows);
  Json connections = Json::array();
  for (const Row& row : rows) connections.push_back(connection_json(master, row));
  return {{"connections", std::move(connections)}, {"left_out", left_out}, {"unknown", std::move(unknown)}};
}

}  // namespace liveswap::master
