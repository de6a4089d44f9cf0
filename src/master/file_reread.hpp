// The configuration file, read once more while the master runs: what an upgrade rolls out, and what it refuses.
//
// Nothing is kept and nothing is changed: a bad file never changes a running master.
#pragma once

#include <expected>
#include <string>

#include "core/plan.hpp"
#include "master/operations.hpp"

namespace liveswap::master {

struct Reread {
  core::AppPlan app;
  std::string remark;  // what else in the file differs from what runs and was left alone; "" for nothing
};

// The section of the app called `name` as the file has it now. `running` is what runs; without a file it is all there
// is. Refused: a file with errors, or without that app, or whose name, control or listeners are not what runs.
[[nodiscard]] std::expected<Reread, Refusal> reread_app(const core::MasterPlan& running, const std::string& name);

// Whether the app can use what was given. Empty text: it can.
[[nodiscard]] std::expected<void, Refusal> check_overrides(const core::AppPlan& app, const ReleaseOverrides& overrides);

}  // namespace liveswap::master
