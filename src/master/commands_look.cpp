// The methods that only look.
#include <nlohmann/json.hpp>
#include <utility>

#include "master/app_choice.hpp"
#include "master/commands.hpp"
#include "master/outcome_json.hpp"
#include "master/status_json.hpp"
#include "wire/json_fields.hpp"

namespace liveswap::master {

namespace {

using wire::Json;

// For methods without parameters.
bool has_parameters(const Exchange& exchange) {
  const auto bad = wire::JsonFields(exchange.call.parameters).bad();
  if (bad) exchange.invalid_parameter(*bad);
  return bad.has_value();
}

// What a method about all apps or one is given.
struct Looked {
  core::Snapshot snapshot;
  ChosenApps apps;
};
// `fields`: of which all have been read. False: the call has been answered with an error.
bool look(const Exchange& exchange, const wire::JsonFields& fields, const std::optional<std::string>& name,
          Looked& looked) {
  if (const auto bad = fields.bad()) {
    exchange.invalid_parameter(*bad);
    return false;
  }
  looked.snapshot = exchange.master.snapshot();
  auto apps = apps_to_look_at(looked.snapshot, name);
  if (!apps) {
    exchange.replies.send(reply_of(apps.error(), looked.snapshot));
    return false;
  }
  looked.apps = std::move(*apps);
  return true;
}

}  // namespace

std::unique_ptr<Pending> call_List(const Exchange& exchange) {
  if (!has_parameters(exchange)) exchange.reply(list_json(exchange.master, exchange.master.snapshot()));
  return nullptr;
}

std::unique_ptr<Pending> call_Listeners(const Exchange& exchange) {
  if (has_parameters(exchange)) return nullptr;
  exchange.master.reassert_listeners();
  exchange.reply({{"listeners", listeners_json(exchange.master)}});
  return nullptr;
}

std::unique_ptr<Pending> call_IsReady(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto app = fields.text("app");
  Looked looked;
  if (!look(exchange, fields, app, looked)) return nullptr;
  bool all_ready = true;
  Json apps = Json::array();
  for (const core::AppSnapshot* each : looked.apps) {
    const bool ready = is_ready(*each);
    all_ready = all_ready && ready;
    apps.push_back({{"name", each->name},
                    {"ready", ready},
                    {"waiting_for", each->waiting_for.empty() ? Json(nullptr) : Json(each->waiting_for)}});
  }
  exchange.reply({{"ready", all_ready}, {"apps", std::move(apps)}});
  return nullptr;
}

std::unique_ptr<Pending> call_History(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto app = fields.text("app");
  const auto release = fields.integer("release", 1, INT64_MAX);
  Looked looked;
  if (!look(exchange, fields, app, looked)) return nullptr;
  const core::ReleaseId only{static_cast<std::uint64_t>(release.value_or(0))};
  Json apps = Json::array();
  for (const core::AppSnapshot* each : looked.apps)
    apps.push_back(history_json(exchange.master, *each, only));
  exchange.reply({{"apps", std::move(apps)}});
  return nullptr;
}

std::unique_ptr<Pending> call_Ping(const Exchange& exchange) {
  if (has_parameters(exchange)) return nullptr;
  const MasterFacts& facts = exchange.master.master();
  exchange.reply({{"name", facts.name}, {"pid", facts.pid}});
  return nullptr;
}

std::unique_ptr<Pending> call_Version(const Exchange& exchange) {
  if (has_parameters(exchange)) return nullptr;
  const MasterFacts& facts = exchange.master.master();
  exchange.reply({{"name", facts.name}, {"version", facts.version}});
  return nullptr;
}

}  // namespace liveswap::master
