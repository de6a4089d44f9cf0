#include "config/program_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/env_file.hpp"
#include "config/environment.hpp"
#include "config/expand.hpp"
#include "config/paths.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

// Ports are not chosen yet, and workers have no numbers.
bool is_known_now(const std::string& word) {
  auto parts = parse_template(word);
  return parts && std::ranges::all_of(*parts, [](const Part& part) {
    return !part.variable || part.variable == Variable::env || part.variable == Variable::target;
  });
}

// As far as it is known now. None: an env file is not there yet, or cannot be read.
std::optional<Environment> known_environment(core::AppPlan app, const Values& values, const Facts& facts) {
  EnvSources sources{app, facts.environment, {}, {}};
  for (const auto& file : app.env_files) {
    auto text = facts.read_text ? facts.read_text(file.path) : std::nullopt;
    if (!text && file.may_be_missing) continue;
    auto variables = parse_env_file(text.value_or(""), file.path);
    if (!text || !variables) return std::nullopt;
    sources.files.insert(sources.files.end(), variables->begin(), variables->end());
  }
  if (app.user) sources.login = Login{};  // a release looks it up
  std::erase_if(app.env, [](const auto& set) { return !is_known_now(set.second); });
  auto environment = release_environment(sources, values);
  if (!environment) return std::nullopt;
  return std::move(*environment);
}

std::optional<std::string> expanded(const std::string& word, const Values& values) {
  if (!is_known_now(word)) return std::nullopt;
  auto value = expand_for_release(word, values);
  if (!value || value->per_worker || value->text.empty()) return std::nullopt;
  return std::move(value->text);
}

std::optional<std::string> look_at(const std::string& word, const std::string& path, const Facts& facts) {
  auto where = word == path ? "" : ": " + path;
  switch (facts.kind_of(path)) {
    case PathKind::executable: return std::nullopt;
    case PathKind::missing: return fmt::format("{} is not there now{}", quoted(word), where);
    case PathKind::directory: return fmt::format("{} is a directory{}", quoted(word), where);
    case PathKind::other: return fmt::format("{} is not executable now{}", quoted(word), where);
  }
  return std::nullopt;
}

std::optional<std::string> search(const std::string& program, std::string_view path, const std::string& cwd,
                                  const Facts& facts) {
  for (std::size_t start = 0; start <= path.size();) {
    auto end = std::min(path.find(':', start), path.size());
    auto directory = absolute_path(path.substr(start, end - start), cwd);
    if (facts.kind_of(absolute_path(program, directory)) == PathKind::executable) return std::nullopt;
    start = end + 1;
  }
  return fmt::format("{} is in no directory of the app's PATH now", quoted(program));
}

}  // namespace

std::optional<std::string> missing_program(const std::string& word, const core::AppPlan& app,
                                           const std::string& folder, const Facts& facts) {
  Values values;
  values.target = app.target;
  auto environment = known_environment(app, values, facts);
  if (!environment) return std::nullopt;
  values.environment = &*environment;
  auto program = expanded(word, values);
  auto cwd = expanded(app.cwd, values);
  if (!program || !cwd) return std::nullopt;
  *cwd = absolute_path(*cwd, folder);
  if (program->contains('/')) return look_at(*program, absolute_path(*program, *cwd), facts);
  auto path = environment->find("PATH");
  if (path == environment->end() || path->second.per_worker) return std::nullopt;
  return search(*program, path->second.text, *cwd, facts);
}

}  // namespace liveswap::config
