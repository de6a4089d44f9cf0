// One app's section: what it runs, how many of it, on which listeners and by which rules.
#pragma once

#include <vector>

#include "config/decoder.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// `only_app`: without a `listeners:` of its own it gets all of them.
core::AppPlan decode_app(Context& context, const Entry& entry,
                         const std::vector<core::ListenerPlan>& listeners, bool only_app);

}  // namespace liveswap::config
