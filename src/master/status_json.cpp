#include "master/status_json.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "core/text.hpp"
#include "master/log.hpp"
#include "master/telling.hpp"
#include "master/wall_time.hpp"

namespace liveswap::master {

namespace {

using wire::Json;

template <class Id>
Json id_json(Id id) {
  return id ? Json(id.value) : Json(nullptr);
}

Json text_json(std::string_view text) { return text.empty() ? Json(nullptr) : Json(text); }

template <class T>
Json optional_json(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json time_json(const Operations& master, std::optional<core::Time> time) {
  return time && *time != core::kNever ? Json(rfc3339(master.wall(*time))) : Json(nullptr);
}

Json side_json(const SideRow& side) {
  return {{"generation", id_json(side.generation)},
          {"workers", side.workers},
          {"chosen", side.chosen},
          {"queue", optional_json(side.queue)}};
}

Json listener_json(const ListenerRow& row) {
  Json sides = Json::array();
  for (const SideRow& side : row.sides) sides.push_back(side_json(side));
  return {{"name", row.name},
          {"address", row.address},
          {"handoff", core::name_of(row.handoff)},
          {"queue", optional_json(row.queue)},
          {"backlog", optional_json(row.backlog)},
          {"index", row.index},
          {"kind", core::name_of(row.kind)},
          {"port", row.port},
          {"open", row.open},
          {"paused", row.paused},
          {"dropped", optional_json(row.dropped)},
          {"apps", row.apps},
          {"sides", std::move(sides)}};
}

Json worker_json(const Operations& master, const core::WorkerSnapshot& worker) {
  const WorkerFacts facts = worker.worker ? master.worker_facts(worker.worker) : WorkerFacts{};
  return {{"slot", worker.slot},
          {"pid", facts.pid != 0 ? Json(facts.pid) : Json(nullptr)},
          {"generation", worker.generation.value},
          {"release", worker.release.value},
          {"state", core::name_of(worker.state)},
          {"since", rfc3339(master.wall(worker.since))},
          {"restarts", worker.restarts},
          {"connections", optional_json(facts.connections)},
          {"deadline", time_json(master, worker.deadline)},
          {"gave_up", worker.gave_up},
          {"status", text_json(facts.status)},
          {"worker", id_json(worker.worker)},
          {"connections_unknown", text_json(facts.connections_unknown)},
          {"oldest", time_json(master, facts.oldest)},
          {"oldest_exact", facts.oldest ? Json(facts.oldest_exact) : Json(nullptr)}};
}

Json generation_json(const Operations& master, const core::GenerationSnapshot& generation) {
  return {{"generation", generation.generation.value},
          {"release", generation.release.value},
          {"draining", generation.draining},
          {"since", rfc3339(master.wall(generation.since))},
          {"cut_at", time_json(master, generation.cut_at)},
          {"workers", generation.workers}};
}

Json rollout_json(const Operations& master, const core::RolloutSnapshot& rollout) {
  return {{"kind", core::name_of(rollout.kind)},
          {"phase", core::name_of(rollout.phase)},
          {"generation", rollout.generation.value},
          {"release", rollout.release.value},
          {"since", rfc3339(master.wall(rollout.since))},
          {"ready", rollout.ready},
          {"wanted", rollout.wanted}};
}

Json app_json(const Operations& master, const core::AppSnapshot& app) {
  const ReleaseFacts facts = master.release_facts(app.app, app.release);
  Json overrides = facts.overrides;
  if (app.scale_override) overrides.push_back("scale " + std::to_string(*app.scale_override));
  Json workers = Json::array();
  for (const auto& worker : app.workers) workers.push_back(worker_json(master, worker));
  Json generations = Json::array();
  for (const auto& generation : app.generations) generations.push_back(generation_json(master, generation));
  return {{"name", app.name},
          {"protocol", core::name_of(facts.protocol)},
          {"bind_by", facts.bind_by ? Json(core::name_of(*facts.bind_by)) : Json(nullptr)},
          {"state", core::name_of(app.state)},
          {"generation", id_json(app.generation)},
          {"release", id_json(app.release)},
          {"label", text_json(app.label)},
          {"target", optional_json(facts.target)},
          {"workers_wanted", app.workers_wanted},
          {"workers_ready", app.workers_ready},
          {"overrides", std::move(overrides)},
          {"rollout", app.rollout ? rollout_json(master, *app.rollout) : Json(nullptr)},
          {"waiting_for", text_json(app.waiting_for)},
          {"workers", std::move(workers)},
          {"generations", std::move(generations)}};
}

Json process_json(const MasterFacts& facts) {
  Json json{{"pid", facts.pid}, {"since", rfc3339(facts.since)}, {"guardian", nullptr},
            {"binary", facts.binary}, {"binary_changed", facts.binary_changed}};
  if (facts.guardian != 0) json["guardian"] = facts.guardian;
  return json;
}

Json past_rollout_json(const Operations& master, const core::RolloutRecord& record) {
  return {{"kind", core::name_of(record.kind)},
          {"result", core::name_of(record.result)},
          {"reason", text_json(record.reason == core::Reason::none ? "" : core::name_of(record.reason))},
          {"generation", record.generation.value},
          {"release", record.release.value},
          {"label", text_json(record.label)},
          {"text", text_json(record.text)},
          {"begun", rfc3339(master.wall(record.begun))},
          {"ended", rfc3339(master.wall(record.ended))}};
}

}  // namespace

Json status_json(const Operations& master, const core::Snapshot& snapshot, const std::string& app) {
  Json apps = Json::array();
  for (const auto& each : snapshot.apps) {
    if (app.empty() || each.name == app) apps.push_back(app_json(master, each));
  }
  const MasterFacts& facts = master.master();
  return {{"name", facts.name},
          {"version", facts.version},
          {"master", process_json(facts)},
          {"listeners", listeners_json(master)},
          {"apps", std::move(apps)}};
}

Json list_json(const Operations& master, const core::Snapshot& snapshot) {
  Json apps = Json::array();
  for (const auto& app : snapshot.apps) {
    apps.push_back({{"name", app.name},
                    {"state", core::name_of(app.state)},
                    {"workers_wanted", app.workers_wanted},
                    {"workers_ready", app.workers_ready}});
  }
  const MasterFacts& facts = master.master();
  return {{"name", facts.name},
          {"version", facts.version},
          {"master", process_json(facts)},
          {"file", text_json(facts.file)},
          {"control", facts.control_socket},
          {"apps", std::move(apps)}};
}

Json listeners_json(const Operations& master) {
  Json rows = Json::array();
  for (const auto& row : master.listeners()) rows.push_back(listener_json(row));
  return rows;
}

Json history_json(const Operations& master, const core::AppSnapshot& app, core::ReleaseId only) {
  Json rollouts = Json::array();
  for (const auto& record : app.history) {
    if (!only || record.release == only) rollouts.push_back(past_rollout_json(master, record));
  }
  return {{"name", app.name}, {"rollouts", std::move(rollouts)}};
}

Json event_json(const Told& told) {
  const core::Note& note = told.note;
  const bool worker = note.slot.has_value();
  return {
      {"number", told.number},
      {"time", rfc3339(told.at)},
      {"event", core::name_of(note.kind)},
      {"level", core::name_of(level_of(note.kind))},
      {"app", text_json(told.app)},
      {"generation", id_json(note.generation)},
      {"release", id_json(note.release)},
      {"slot", worker ? Json(*note.slot) : Json(nullptr)},
      {"worker", id_json(note.worker)},
      {"pid", told.pid != 0 ? Json(told.pid) : Json(nullptr)},
      {"rollout", note.rollout ? Json(core::name_of(*note.rollout)) : Json(nullptr)},
      {"reason", note.reason != core::Reason::none ? Json(core::name_of(note.reason)) : Json(nullptr)},
      {"exit_status", note.status && !note.status->signaled ? Json(note.status->code) : Json(nullptr)},
      {"signal", note.status && note.status->signaled ? Json(note.status->code) : optional_json(note.signo)},
      {"wait_ms", note.wait && *note.wait != core::kForever
                      ? Json(std::chrono::duration_cast<std::chrono::milliseconds>(*note.wait).count())
                      : Json(nullptr)},
      {"count", note.count != 0 ? Json(note.count) : Json(nullptr)},
      {"text", text_json(note.text)},
      {"last_lines", note.last_lines.empty() ? Json(nullptr) : Json(note.last_lines)},
      {"message", told.text}};
}

Json line_json(const OutputLine& line) {
  return {{"number", line.number},      {"time", rfc3339(line.at)},
          {"app", text_json(line.app)}, {"generation", line.generation.value},
          {"slot", line.slot},          {"stream", line.is_stderr ? "stderr" : "stdout"},
          {"text", line.text}};
}

bool is_ready(const core::AppSnapshot& app) {
  const bool serves = app.state == core::AppState::running || app.state == core::AppState::upgrading;
  return serves && app.workers_ready >= app.workers_wanted;
}

}  // namespace liveswap::master
