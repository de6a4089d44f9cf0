// The parts of an app's section that say what is run, where and with which environment.
#pragma once

#include "config/decoder.hpp"
#include "config/template_check.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// Reads target alone: templates elsewhere may ask for it.
void decode_target(Section& section, core::AppPlan& app);

// Reads command, cwd and ready.command.
void decode_command(Section& section, core::AppPlan& app, const TemplateCheck& templates);

// Reads pass_env, env_file and env.
void decode_environment(Section& section, core::AppPlan& app, const TemplateCheck& templates);

}  // namespace liveswap::config
