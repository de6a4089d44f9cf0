// The environment of a release: what the master passes on of its own, what goes with the app's user, env files, `env:`
// and `--env`, in that order.
//
// Made once for each release and pinned with it; what differs from worker to worker stays a template until
// the worker is made. Pure: env files come as texts (env_file.hpp).
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/expand.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// Whether a variable is liveswap's to set for its workers, so that nobody else may.
bool is_set_by_liveswap(std::string_view name);
// Whether a variable of the master's own environment was meant for the master and is not passed on.
bool is_never_passed_on(std::string_view name);
// Whether `pass_env` lets a variable of the master's own environment through.
bool passes(const core::PassEnv& pass_env, std::string_view name);

// Of the user database; "" where it says nothing.
struct Login {
  std::string name;
  std::string home;
  std::string shell;
};

struct EnvSources {
  const core::AppPlan& app;                                    // borrowed
  std::span<const std::string> own;                            // the master's own start: NAME=VALUE
  std::vector<std::pair<std::string, std::string>> files;      // what app.env_files hold, in their order
  std::vector<std::pair<std::string, std::string>> overrides;  // --env
  std::optional<Login> login{};                                // where the app has a user of its own
};

// `values`: what is known of the release; its environment is left out, for `${env:VAR}` reads what is built
// so far.
std::expected<Environment, std::string> release_environment(const EnvSources& sources, const Values& values);

// NAME=VALUE for one worker, by name. `values` has the worker's.
std::expected<std::vector<std::string>, std::string> worker_environment(const Environment& environment,
                                                                        const Values& values);

}  // namespace liveswap::config
