// Which apps a command is about, out of the name that it gives, or does not.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "core/action.hpp"
#include "core/snapshot.hpp"

namespace liveswap::master {

using ChosenApps = std::vector<const core::AppSnapshot*>;  // into the snapshot; never empty

// For commands that look: no name is all. The error is what the command ends with.
std::expected<ChosenApps, core::Outcome> apps_to_look_at(const core::Snapshot& apps,
                                                         const std::optional<std::string>& name);

// For commands that change: with several apps, a name or `all` must be given.
std::expected<ChosenApps, core::Outcome> apps_to_change(const core::Snapshot& apps,
                                                        const std::optional<std::string>& name, bool all);
// For commands that change one app only.
std::expected<ChosenApps, core::Outcome> app_to_change(const core::Snapshot& apps,
                                                       const std::optional<std::string>& name);

}  // namespace liveswap::master
