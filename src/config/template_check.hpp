// The `${…}` of an app's words, checked before anything is run: every name and form; values come later.
#pragma once

#include <string_view>
#include <vector>

#include "config/expand.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// Where a word stands decides what it may ask for.
enum class Place { command, env, cwd, ready_command, message_command, hook };

// All that is wrong with the word. `app` has its target and listeners.
std::vector<TemplateError> check_template(std::string_view word, Place place,
                                          const std::vector<core::ListenerPlan>& listeners,
                                          const core::AppPlan& app);

// Whether anything in the app would change with its target: else `--target` is a mistake.
bool uses_target(const core::AppPlan& app);

}  // namespace liveswap::config
