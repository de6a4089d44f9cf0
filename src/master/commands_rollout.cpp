// The methods that ask the core for something that takes its time.
#include <algorithm>
#include <chrono>
#include <limits>
#include <set>
#include <utility>

#include "master/app_choice.hpp"
#include "master/commands.hpp"
#include "master/outcome_json.hpp"
#include "master/waiting_call.hpp"
#include "wire/json_fields.hpp"

namespace liveswap::master {

namespace {

using core::AppId;
using core::RequestId;

constexpr std::int64_t kMostInt = std::numeric_limits<std::int32_t>::max();

core::Duration duration_in(wire::JsonFields& fields, std::string_view name) {
  constexpr std::int64_t kMostMs = core::kForever / std::chrono::milliseconds(1);
  const auto ms = fields.integer(name, 0, kMostMs);
  return ms ? std::chrono::milliseconds(*ms) : core::kForever;
}

core::WaitLevel wait_level_in(wire::JsonFields& fields) {
  const auto text = fields.text("wait");
  if (!text || text == "committed") return core::WaitLevel::committed;
  if (text == "none") return core::WaitLevel::none;
  if (text == "ready") return core::WaitLevel::ready;
  if (text == "drained") return core::WaitLevel::drained;
  fields.refuse("wait");
  return core::WaitLevel::none;
}

std::unique_ptr<Pending> refuse(const Exchange& exchange, const core::Outcome& outcome) {
  exchange.replies.send(reply_of(outcome, exchange.master.snapshot()));
  return nullptr;
}

std::unique_ptr<Pending> refuse_parameter(const Exchange& exchange, std::string_view name) {
  exchange.invalid_parameter(name);
  return nullptr;
}

// Chooses the apps, and asks for each of them.
std::unique_ptr<Pending> ask(const Exchange& exchange, std::expected<ChosenApps, core::Outcome> apps,
                             const WaitingCall::MakeEvent& event, WaitingCall::Upgrades upgrades = {}) {
  if (!apps) return refuse(exchange, apps.error());
  std::vector<AppId> ids;
  for (const core::AppSnapshot* app : *apps) ids.push_back(app->app);
  return WaitingCall::ask(exchange, ids, event, std::move(upgrades));
}

std::unique_ptr<Pending> refuse_upgrade(const Exchange& exchange, const core::AppSnapshot& app,
                                        const Refusal& refusal) {
  return refuse(exchange, refused(core::Result::bad_usage, refusal.reason, refusal.text, &app));
}

ReleaseOverrides overrides_in(wire::JsonFields& fields) {
  ReleaseOverrides overrides;
  overrides.target = fields.text("target");
  if (overrides.target && !overrides.target->starts_with('/')) fields.refuse("target");
  overrides.command = fields.texts("command");
  if (!overrides.command.empty() && overrides.command.front().empty()) fields.refuse("command");
  overrides.env = fields.map("environment");
  if (std::ranges::any_of(overrides.env, [](const auto& variable) {
        return variable.first.empty() || variable.first.find('=') != std::string::npos;
      })) {
    fields.refuse("environment");
  }
  overrides.label = fields.text("label").value_or("");
  return overrides;
}

}  // namespace

std::unique_ptr<Pending> call_Upgrade(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("app");
  const bool all = fields.flag("all");
  const ReleaseOverrides overrides = overrides_in(fields);
  const bool if_changed = fields.flag("if_changed");
  const core::WaitLevel wait = wait_level_in(fields);
  const core::Duration timeout = duration_in(fields, "timeout_ms");
  if (const auto bad = fields.bad()) return refuse_parameter(exchange, *bad);

  const bool from_file = !overrides.target && overrides.command.empty() && overrides.env.empty();
  if (!from_file && exchange.level < wire::control::Level::admins) {
    exchange.replies.send(denial(exchange.master, exchange.uid, exchange.level, wire::control::Level::admins,
                                 "upgrade with a target, command or environment of its own"));
    return nullptr;
  }
  const core::Snapshot snapshot = exchange.master.snapshot();
  const auto apps = apps_to_change(snapshot, name, all);
  if (!apps) return refuse(exchange, apps.error());
  WaitingCall::Upgrades upgrades;
  std::set<AppId> hooked;
  for (const core::AppSnapshot* app : *apps) {
    auto checked = exchange.master.check_upgrade(app->app, overrides);
    if (!checked) return refuse_upgrade(exchange, *app, checked.error());
    if (!checked->app.hooks.pre_upgrade.empty()) hooked.insert(app->app);
    upgrades.emplace(app->app, std::move(*checked));
  }
  return ask(
      exchange, apps,
      [=](RequestId request, AppId app) {
        return core::UpgradeAsked{request, app, wait, timeout, if_changed, hooked.contains(app)};
      },
      std::move(upgrades));
}

std::unique_ptr<Pending> call_Abort(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("app");
  const bool all = fields.flag("all");
  if (const auto bad = fields.bad()) return refuse_parameter(exchange, *bad);
  const core::Snapshot snapshot = exchange.master.snapshot();
  return ask(exchange, apps_to_change(snapshot, name, all), [](RequestId request, AppId app) {
    return core::AbortAsked{request, app};
  });
}

std::unique_ptr<Pending> call_Wait(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("app");
  const core::WaitLevel level = wait_level_in(fields);
  const core::Duration timeout = duration_in(fields, "timeout_ms");
  if (const auto bad = fields.bad()) return refuse_parameter(exchange, *bad);
  const core::Snapshot snapshot = exchange.master.snapshot();
  return ask(exchange, apps_to_look_at(snapshot, name), [=](RequestId request, AppId app) {
    return core::WaitAsked{request, app, level, timeout};
  });
}

std::unique_ptr<Pending> call_Scale(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("app");
  const auto workers = fields.integer("workers", 0, kMostInt);
  const auto by = fields.integer("by", -kMostInt, kMostInt);
  const bool automatic = fields.flag("automatic");
  const bool reset = fields.flag("reset");
  const core::WaitLevel wait = wait_level_in(fields);
  const core::Duration timeout = duration_in(fields, "timeout_ms");
  if (const auto bad = fields.bad()) return refuse_parameter(exchange, *bad);
  if (int{workers.has_value()} + int{by.has_value()} + int{automatic} + int{reset} != 1) {
    return refuse(exchange,
                  refused(core::Result::bad_usage, core::Reason::bad_argument,
                          "give one of: a number of workers, by how many more or fewer, automatic, reset"));
  }
  core::ScaleAsked asked{.wait = wait, .timeout = timeout};
  asked.how = by      ? core::ScaleAsked::How::relative
              : reset ? core::ScaleAsked::How::reset
                      : core::ScaleAsked::How::absolute;
  asked.count = automatic ? static_cast<int>(exchange.master.processors())
                          : static_cast<int>(workers.value_or(by.value_or(0)));
  const core::Snapshot snapshot = exchange.master.snapshot();
  return ask(exchange, app_to_change(snapshot, name), [asked](RequestId request, AppId app) {
    core::ScaleAsked event = asked;
    event.request = request;
    event.app = app;
    return event;
  });
}

std::unique_ptr<Pending> call_Restart(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("app");
  const bool all = fields.flag("all");
  const auto number = fields.integer("slot", 0, kMostInt);
  const bool now = fields.flag("now");
  const core::WaitLevel wait = wait_level_in(fields);
  const core::Duration timeout = duration_in(fields, "timeout_ms");
  if (const auto bad = fields.bad()) return refuse_parameter(exchange, *bad);
  if (all && number) {
    return refuse(exchange, refused(core::Result::bad_usage, core::Reason::bad_argument,
                                    "a slot belongs to one app: give its name"));
  }
  std::optional<core::Slot> slot;
  if (number) slot = static_cast<core::Slot>(*number);
  const core::Snapshot snapshot = exchange.master.snapshot();
  return ask(exchange, apps_to_change(snapshot, name, all), [=](RequestId request, AppId app) {
    return core::RestartAsked{request, app, slot, now, wait, timeout};
  });
}

std::unique_ptr<Pending> call_Start(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("app");
  const bool all = fields.flag("all");
  const core::Duration timeout = duration_in(fields, "timeout_ms");
  if (const auto bad = fields.bad()) return refuse_parameter(exchange, *bad);
  const core::Snapshot snapshot = exchange.master.snapshot();
  return ask(exchange, apps_to_change(snapshot, name, all), [=](RequestId request, AppId app) {
    return core::StartAsked{request, app, timeout};
  });
}

std::unique_ptr<Pending> call_Adopt(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("app");
  const auto pid = fields.integer("pid", 1, kMostInt);
  const core::Duration timeout = duration_in(fields, "timeout_ms");
  if (const auto bad = fields.bad()) return refuse_parameter(exchange, *bad);
  if (!pid) return refuse_parameter(exchange, "pid");
  const core::Snapshot snapshot = exchange.master.snapshot();
  const auto apps = apps_to_change(snapshot, name, false);
  if (!apps) return refuse(exchange, apps.error());
  const core::AppSnapshot& app = *apps->front();
  auto checked = exchange.master.check_upgrade(app.app, {});
  if (!checked) return refuse_upgrade(exchange, app, checked.error());
  if (auto prepared = exchange.master.prepare_adoption(app.app, static_cast<pid_t>(*pid)); !prepared) {
    return refuse(exchange, refused(core::Result::failed, core::Reason::adopt_failed, prepared.error(), &app));
  }
  WaitingCall::Upgrades upgrades;
  upgrades.emplace(app.app, std::move(*checked));
  return ask(
      exchange, apps, [=](RequestId request, AppId id) { return core::AdoptAsked{request, id, timeout}; },
      std::move(upgrades));
}

std::unique_ptr<Pending> call_Stop(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("app");
  const bool all = fields.flag("all");
  const bool now = fields.flag("now");
  const core::Duration timeout = duration_in(fields, "timeout_ms");
  if (const auto bad = fields.bad()) return refuse_parameter(exchange, *bad);
  const core::Snapshot snapshot = exchange.master.snapshot();
  return ask(exchange, apps_to_change(snapshot, name, all), [=](RequestId request, AppId app) {
    return core::StopAsked{request, app, now, timeout};
  });
}

std::unique_ptr<Pending> call_Drain(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const auto name = fields.text("app");
  const auto number = fields.integer("generation", 1, INT64_MAX);
  const bool now = fields.flag("now");
  const auto extend_ms = fields.integer("extend_ms", 1, core::kForever / std::chrono::milliseconds(1));
  if (const auto bad = fields.bad()) return refuse_parameter(exchange, *bad);
  if (now == extend_ms.has_value()) {
    return refuse(exchange, refused(core::Result::bad_usage, core::Reason::bad_argument,
                                    "give either now or by how long to extend"));
  }
  std::optional<core::GenerationId> generation;
  if (number) generation = core::GenerationId{static_cast<std::uint64_t>(*number)};
  std::optional<core::Duration> extend;
  if (extend_ms) extend = std::chrono::milliseconds(*extend_ms);
  const core::Snapshot snapshot = exchange.master.snapshot();
  return ask(exchange, app_to_change(snapshot, name), [=](RequestId request, AppId app) {
    return core::DrainAsked{request, app, generation, extend};
  });
}

std::unique_ptr<Pending> call_Shutdown(const Exchange& exchange) {
  wire::JsonFields fields(exchange.call.parameters);
  const bool now = fields.flag("now");
  if (const auto bad = fields.bad()) return refuse_parameter(exchange, *bad);
  return WaitingCall::ask(exchange, {AppId{}}, [now](RequestId request, AppId) {
    return core::ShutdownAsked{request, now};
  });
}

}  // namespace liveswap::master
