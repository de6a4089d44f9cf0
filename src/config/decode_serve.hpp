// The `serve:` section: sockets at which other programs fetch listeners.
#pragma once

#include "config/decoder.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// After control and listeners: none of their paths may be taken.
void decode_serve(Section serve, core::MasterPlan& plan);

}  // namespace liveswap::config
