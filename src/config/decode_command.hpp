// The parts of an app's section that say what is run, where and with which environment.
#pragma once

#include <string_view>
#include <vector>

#include "config/decoder.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// Reads target alone: templates elsewhere may ask for it.
void decode_target(Section& section, core::AppPlan& app);
// As the section says, else by the kind of a target that is run itself; the app's listeners are known already.
void decode_protocol(Section& section, core::AppPlan& app);

// A hook that is no program: Node.js loads it and calls what it exports.
bool is_node_module(std::string_view program);

// Reads command, cwd, ready.command, on_message and hooks.pre_upgrade. `listeners`: of the file; the app's own are in
// it already.
void decode_command(Section& section, core::AppPlan& app, const std::vector<core::ListenerPlan>& listeners);

// Reads pass_env, env_file and env.
void decode_environment(Section& section, core::AppPlan& app,
                        const std::vector<core::ListenerPlan>& listeners);

// Warns of programs that are not there now; everything above is in the app already.
void check_programs(Section& section, const core::AppPlan& app);

}  // namespace liveswap::config
