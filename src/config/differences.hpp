// How the file differs from what runs: what an upgrade of one app cannot take up, and what it leaves alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/plan.hpp"

namespace liveswap::config {

struct Differences {
  // name, control, serve, listeners.NAME: an upgrade is refused, for only a new start takes them up.
  std::vector<std::string> fixed;
  // runtime_dir, log, …, apps.NAME: told and left alone. Apps that are being upgraded are not among them.
  std::vector<std::string> left_alone;
  bool operator==(const Differences&) const = default;
};

// `upgraded`: names of the apps whose sections are taken from `file`.
Differences compare(const core::MasterPlan& running, const core::MasterPlan& file,
                    const std::vector<std::string>& upgraded);

}  // namespace liveswap::config
