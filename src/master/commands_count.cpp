// The methods that show connections, which are counted first: Status and Connections.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "master/app_choice.hpp"
#include "master/commands.hpp"
#include "master/connections_json.hpp"
#include "master/counted_call.hpp"
#include "master/outcome_json.hpp"
#include "master/status_json.hpp"
#include "wire/json_fields.hpp"

namespace liveswap::master {

namespace {

// Which app is meant: its name, and its number or 0 for all. nullopt: the call has been answered with an error.
struct Meant {
  std::string name;
  core::AppId app;
};
std::optional<Meant> app_meant(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("app");
  if (const auto bad = fields.bad()) {
    exchange.invalid_parameter(*bad);
    return std::nullopt;
  }
  const core::Snapshot snapshot = exchange.master.snapshot();
  const auto apps = apps_to_look_at(snapshot, name);
  if (!apps) {
    exchange.replies.send(reply_of(apps.error(), snapshot));
    return std::nullopt;
  }
  return Meant{name.value_or(""), name ? apps->front()->app : core::AppId{}};
}

}  // namespace

std::unique_ptr<Pending> call_Status(const Exchange& exchange) {
  const auto meant = app_meant(exchange);
  if (!meant) return nullptr;
  exchange.master.reassert_listeners();
  return CountedCall::ask(exchange, meant->app, [name = meant->name](const Operations& master) {
    return status_json(master, master.snapshot(), name);
  });
}

std::unique_ptr<Pending> call_Connections(const Exchange& exchange) {
  const auto meant = app_meant(exchange);
  if (!meant) return nullptr;
  return CountedCall::ask(exchange, meant->app, [name = meant->name](const Operations& master) {
    return connections_json(master, master.snapshot(), name);
  });
}

}  // namespace liveswap::master
