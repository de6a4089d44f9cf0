#include "config/environment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace liveswap::config {

namespace {

struct Own {
  std::string_view pattern;
  bool set_by_liveswap;
};

constexpr auto kOwn = std::to_array<Own>({
#define OWN(pattern, set) {pattern, set},
#include "config/own_variables.def"
#undef OWN
});

bool matches(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return name == pattern;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

bool is_set_by_liveswap(std::string_view name) {
  return std::any_of(kOwn.begin(), kOwn.end(),
                     [name](const Own& own) { return own.set_by_liveswap && matches(own.pattern, name); });
}

bool is_never_passed_on(std::string_view name) {
  return std::any_of(kOwn.begin(), kOwn.end(), [name](const Own& own) { return matches(own.pattern, name); });
}

bool passes(const core::PassEnv& pass_env, std::string_view name) {
  if (pass_env.kind != core::PassEnv::Kind::some) return pass_env.kind == core::PassEnv::Kind::all;
  return std::any_of(pass_env.patterns.begin(), pass_env.patterns.end(),
                     [name](const std::string& pattern) { return matches(pattern, name); });
}

namespace {

// As systemd does for User=: no home that is none, and no shell that lets nobody in. What the master has of its own
// user is not passed on to another one's processes.
void add_login(Environment& environment, const Login& login) {
  const auto shell_file = std::string_view(login.shell).substr(login.shell.rfind('/') + 1);
  const bool lets_in = shell_file != "nologin" && shell_file != "false" && shell_file != "true";
  const std::pair<const char*, std::string> variables[] = {{"HOME", login.home == "/" ? "" : login.home},
                                                           {"LOGNAME", login.name},
                                                           {"SHELL", lets_in ? login.shell : ""},
                                                           {"USER", login.name}};
  for (const auto& [name, value] : variables) {
    environment.erase(name);
    if (!value.empty()) environment.emplace(name, EnvValue{value});
  }
}

}  // namespace

std::expected<Environment, std::string> release_environment(const EnvSources& sources, const Values& values) {
  Environment environment;
  for (std::string_view assignment : sources.own) {
    auto name = assignment.substr(0, assignment.find('='));
    bool usable = !name.empty() && name.size() < assignment.size();
    if (!usable || is_never_passed_on(name) || !passes(sources.app.pass_env, name)) continue;
    // Of a name that is there twice, getenv(3) takes the first.
    environment.try_emplace(std::string(name), EnvValue{std::string(assignment.substr(name.size() + 1))});
  }
  if (sources.login) add_login(environment, *sources.login);
  for (const auto& [name, value] : sources.files) environment.insert_or_assign(name, EnvValue{value});
  Values known = values;
  known.environment = &environment;
  auto add = [&](const auto& list, std::string_view origin) -> std::string {
    for (const auto& [name, word] : list) {
      auto value = expand_for_release(word, known);
      if (!value) return fmt::format("{} {}: {}", origin, name, value.error());
      environment.insert_or_assign(name, std::move(*value));
    }
    return "";
  };
  if (auto error = add(sources.app.env, "env"); !error.empty()) return std::unexpected(error);
  if (auto error = add(sources.overrides, "--env"); !error.empty()) return std::unexpected(error);
  return environment;
}

std::expected<std::vector<std::string>, std::string> worker_environment(const Environment& environment,
                                                                        const Values& values) {
  std::vector<std::string> out;
  for (const auto& [name, value] : environment) {
    auto text =
        value.per_worker ? expand(value.text, values) : std::expected<std::string, std::string>(value.text);
    if (!text) return std::unexpected(fmt::format("env {}: {}", name, text.error()));
    out.push_back(fmt::format("{}={}", name, *text));
  }
  return out;
}

}  // namespace liveswap::config
