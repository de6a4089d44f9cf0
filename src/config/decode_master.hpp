// The top level of a configuration file.
#pragma once

#include <string>

#include "config/decoder.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// `path`: of the file, absolute. Mistakes are in the context's findings; then the plan is worth nothing.
core::MasterPlan decode_master(Context& context, const Node& root, const std::string& path);

}  // namespace liveswap::config
