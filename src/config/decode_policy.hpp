// The parts of an app's section that say how it is supervised: readiness, drain, stop, restart, upgrade.
#pragma once

#include <vector>

#include "config/decoder.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// Reads protocol, workers, ready (but not its command and fd), drain, stop, restart, upgrade and watchdog.
void decode_policy(Section& section, core::AppPlan& app, const std::vector<core::ListenerPlan>& listeners);

}  // namespace liveswap::config
