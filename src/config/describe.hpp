// A plan in words, for `liveswap --check`: what would run, descriptor by descriptor.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "config/facts.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// The variables that liveswap adds to those of the app, for slot 0 of its first generation: name and value.
// Protocols know them, so whoever calls knows; none: they are left out.
using AddedVariables = std::function<std::vector<std::pair<std::string, std::string>>(const core::MasterPlan&,
                                                                                      const core::AppPlan&)>;

// `facts`: what runs a target is found out by looking at it.
std::string describe(const core::MasterPlan& plan, const Facts& facts, const AddedVariables& added = {});

}  // namespace liveswap::config
