#include "master/app_choice.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/text.hpp"
#include "master/outcome_json.hpp"

namespace liveswap::master {

namespace {

std::vector<std::string> names_of(const core::Snapshot& apps) {
  std::vector<std::string> names;
  for (const auto& app : apps.apps) names.push_back(app.name);
  return names;
}

ChosenApps all_of(const core::Snapshot& apps) {
  ChosenApps chosen;
  for (const auto& app : apps.apps) chosen.push_back(&app);
  return chosen;
}

std::expected<ChosenApps, core::Outcome> find(const core::Snapshot& apps, const std::string& name) {
  const auto found = std::ranges::find(apps.apps, name, &core::AppSnapshot::name);
  if (found != apps.apps.end()) return ChosenApps{&*found};
  return std::unexpected(refused(
      core::Result::bad_usage, core::Reason::no_such_app,
      fmt::format("there is no app {}{}", config::quoted(name), config::did_you_mean(name, names_of(apps)))));
}

std::expected<ChosenApps, core::Outcome> change(const core::Snapshot& apps,
                                                const std::optional<std::string>& name,
                                                std::string_view or_all) {
  if (name) return find(apps, *name);
  if (apps.apps.size() == 1) return all_of(apps);
  return std::unexpected(refused(
      core::Result::bad_usage, core::Reason::app_needed,
      fmt::format("there are several apps: name one of them{}: {}", or_all, config::joined(names_of(apps)))));
}

}  // namespace

std::expected<ChosenApps, core::Outcome> apps_to_look_at(const core::Snapshot& apps,
                                                         const std::optional<std::string>& name) {
  return name ? find(apps, *name) : all_of(apps);
}

std::expected<ChosenApps, core::Outcome> apps_to_change(const core::Snapshot& apps,
                                                        const std::optional<std::string>& name, bool all) {
  if (name && all) {
    return std::unexpected(refused(core::Result::bad_usage, core::Reason::bad_argument,
                                   "give the name of an app or ask for all, not both"));
  }
  return all ? all_of(apps) : change(apps, name, ", or --all");
}

std::expected<ChosenApps, core::Outcome> app_to_change(const core::Snapshot& apps,
                                                       const std::optional<std::string>& name) {
  return change(apps, name, "");
}

}  // namespace liveswap::master
