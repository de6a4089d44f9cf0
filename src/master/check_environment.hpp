// The variables that liveswap would add to a worker's environment, for `liveswap --check`: nothing is bound or run.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/plan.hpp"

namespace liveswap::master {

// Of slot 0 of the first generation. What only a running worker has is named in angle brackets: "<its PID>".
[[nodiscard]] std::vector<std::pair<std::string, std::string>> variables_of_first_worker(const core::MasterPlan& plan,
                                                                                         const core::AppPlan& app);

}  // namespace liveswap::master
