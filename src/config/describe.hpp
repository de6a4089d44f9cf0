// A plan in words, for `liveswap --check`: what would run, descriptor by descriptor.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "config/facts.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// A descriptor of an app's workers.
struct Descriptor {
  int number = 3;
  std::string listener;
  std::size_t index = 0;  // of the socket in its listener
  core::Address address;
};

// From 3, in the app's order. All addresses are taken to be there, also the ::1 of `localhost`.
std::vector<Descriptor> descriptors_of(const core::MasterPlan& plan, const core::AppPlan& app);

// The variables that liveswap adds to those of the app, for slot 0 of its first generation: name and value.
// Protocols know them, so whoever calls knows; none: they are left out.
using AddedVariables = std::function<std::vector<std::pair<std::string, std::string>>(const core::MasterPlan&,
                                                                                      const core::AppPlan&)>;

// `facts`: what runs a target is found out by looking at it.
std::string describe(const core::MasterPlan& plan, const Facts& facts, const AddedVariables& added = {});

}  // namespace liveswap::config
