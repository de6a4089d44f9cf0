#include "config/target_plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/address.hpp"
#include "config/paths.hpp"
#include "config/scalars.hpp"
#include "config/template_check.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

using Errors = std::vector<std::string>;

constexpr std::string_view kDefaultName = "default";

// NAME=ADDRESS, or ADDRESS alone: a path may hold a `=`, a name no `:`.
std::pair<std::string, std::string_view> split_listener(std::string_view option) {
  auto equals = option.find('=');
  if (equals == std::string_view::npos || option.find(':') < equals)
    return {std::string(kDefaultName), option};
  return {std::string(option.substr(0, equals)), option.substr(equals + 1)};
}

void add_listener(const std::string& option, const Facts& facts, core::MasterPlan& plan, Errors& errors) {
  auto [name, text] = split_listener(option);
  if (auto good = parse_name(name); !good) errors.push_back(fmt::format("-l {}: {}", option, good.error()));
  auto addresses = parse_address(text, facts.working_directory);
  if (!addresses) {
    errors.push_back(fmt::format("-l {}: {}", option, addresses.error()));
    return;
  }
  auto listener = std::find_if(plan.listeners.begin(), plan.listeners.end(),
                               [&name](const core::ListenerPlan& known) { return known.name == name; });
  if (listener == plan.listeners.end()) {
    listener =
        plan.listeners.insert(listener, core::ListenerPlan{.name = name, .addresses = {}, .options = {}});
  }
  for (auto& address : *addresses) listener->addresses.push_back(std::move(address));
}

void check_conflicts(const core::MasterPlan& plan, Errors& errors) {
  std::vector<Claim> claims;
  for (const auto& listener : plan.listeners) {
    for (const auto& address : listener.addresses) claims.push_back({address, listener.options});
  }
  for (std::size_t later = 1; later < claims.size(); ++later) {
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      auto reason = conflict(claims[earlier], claims[later]);
      if (reason.empty()) continue;
      errors.push_back(fmt::format("-l {} and -l {} exclude each other: {}", claims[earlier].address.text,
                                   claims[later].address.text, reason));
      break;
    }
  }
}

void check_target(const TargetRequest& request, const Facts& facts, const std::string& path, Errors& errors) {
  switch (facts.kind_of(path)) {
    case PathKind::executable: return;
    case PathKind::missing: errors.push_back(fmt::format("-s {}: no such file", request.target)); return;
    case PathKind::other: errors.push_back(fmt::format("-s {}: is not executable", request.target)); return;
    case PathKind::directory:
      errors.push_back(
          fmt::format("-s {}: is a directory; a file says what to run of it: target: and command: in "
                      "liveswap.yaml(5)",
                      request.target));
  }
}

core::AppPlan app_of(const TargetRequest& request, const Facts& facts, const core::MasterPlan& plan,
                     Errors& errors) {
  core::AppPlan app{.name = std::string(kDefaultName)};
  app.target = absolute_path(request.target, facts.working_directory);
  check_target(request, facts, *app.target, errors);
  app.cwd = as_template(facts.working_directory);
  app.policy.workers = kTargetWorkers;
  if (request.workers) {
    bool good = *request.workers >= 1 && static_cast<std::uint32_t>(*request.workers) <= kWorkersMax;
    if (!good) errors.push_back(fmt::format("-f {}: 1 to {} workers", *request.workers, kWorkersMax));
    app.policy.workers = static_cast<std::uint32_t>(good ? *request.workers : 1);
  }
  for (const auto& listener : plan.listeners) app.listeners.push_back(listener.name);
  if (!request.arguments.empty()) app.command.emplace_back("${target}");
  for (const auto& argument : request.arguments) {
    for (const auto& error : check_template(argument, Place::command, plan.listeners, app)) {
      errors.push_back(fmt::format("argument {}: {}", quoted(argument), error.message));
    }
    app.command.push_back(argument);
  }
  return app;
}

}  // namespace

std::expected<core::MasterPlan, Errors> plan_for_target(const TargetRequest& request, const Facts& facts) {
  Errors errors;
  core::MasterPlan plan{.name = request.name.value_or(std::string(kDefaultName))};
  if (auto name = parse_name(plan.name); !name)
    errors.push_back(fmt::format("-n {}: {}", plan.name, name.error()));
  if (request.control) {
    plan.control.socket = absolute_path(*request.control, facts.working_directory);
    if (request.control->empty() || plan.control.socket->size() > kUnixPathMax) {
      errors.push_back(
          fmt::format("--control {}: 1 to {} bytes, as an absolute path", *request.control, kUnixPathMax));
    }
  }
  for (const auto& option : request.listeners) add_listener(option, facts, plan, errors);
  if (request.listeners.empty()) errors.emplace_back("-s needs a listener, as -l tcp://:8080");
  check_conflicts(plan, errors);
  plan.apps.push_back(app_of(request, facts, plan, errors));
  if (!errors.empty()) return std::unexpected(errors);
  return plan;
}

}  // namespace liveswap::config
