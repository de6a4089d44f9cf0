#include "master/file_reread.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/differences.hpp"
#include "config/environment.hpp"
#include "config/load.hpp"
#include "config/template_check.hpp"
#include "os/users.hpp"

namespace liveswap::master {

namespace {

const core::AppPlan* find_app(const core::MasterPlan& plan, const std::string& name) {
  const auto found = std::ranges::find(plan.apps, name, &core::AppPlan::name);
  return found == plan.apps.end() ? nullptr : &*found;
}

Refusal differs(const core::MasterPlan& running, const std::vector<std::string>& what) {
  return {core::Reason::file_differs,
          fmt::format("{} has other settings than what runs: {}", running.file, fmt::join(what, ", "))};
}

}  // namespace

std::expected<Reread, Refusal> reread_app(const core::MasterPlan& running, const std::string& name) {
  if (running.file.empty()) return Reread{*find_app(running, name), ""};
  const auto loaded = config::load_file(running.file, config::facts_of_this_machine(os::find_user, os::find_group));
  if (!loaded) return std::unexpected(Refusal{core::Reason::bad_file, config::render(loaded.error())});
  const config::Differences differences = config::compare(running, loaded->plan, {name});
  if (!differences.fixed.empty()) return std::unexpected(differs(running, differences.fixed));
  const core::AppPlan* app = find_app(loaded->plan, name);
  if (app == nullptr) {
    return std::unexpected(
        Refusal{core::Reason::file_differs, fmt::format("{} has no app \"{}\"", running.file, name)});
  }
  std::string remark;
  if (!differences.left_alone.empty()) {
    remark = fmt::format("{} also has other settings that are left alone: {}", running.file,
                         fmt::join(differences.left_alone, ", "));
  }
  return Reread{*app, std::move(remark)};
}

std::expected<void, Refusal> check_overrides(const core::AppPlan& app, const ReleaseOverrides& overrides) {
  for (const auto& [name, value] : overrides.env) {
    if (!config::is_set_by_liveswap(name)) continue;
    return std::unexpected(Refusal{core::Reason::bad_override, fmt::format("--env {}: liveswap itself sets it", name)});
  }
  if (!overrides.target || config::uses_target(app)) return {};
  return std::unexpected(
      Refusal{core::Reason::bad_override,
              fmt::format("{} uses no target: neither command, cwd nor env has ${{target}}", app.name)});
}

}  // namespace liveswap::master
