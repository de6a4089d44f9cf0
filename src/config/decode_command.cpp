#include "config/decode_command.hpp"

#include <algorithm>

#include "config/circus.hpp"
#include "config/environment.hpp"
#include "config/expand.hpp"
#include "config/paths.hpp"
#include "config/program_check.hpp"
#include "config/target_kind.hpp"
#include "config/template_check.hpp"
#include "config/text.hpp"
#include "config/words.hpp"

namespace liveswap::config {

namespace {

// The words of one app that may hold `${…}`.
struct Templates {
  const std::vector<core::ListenerPlan>& listeners;
  const core::AppPlan& app;

  void check(Section& section, std::string_view key, const PlacedWord& word, Place place) const {
    for (const auto& error : check_template(word.text, place, listeners, app)) {
      section.error_at(word.offset + (word.exact ? error.offset : 0), key, error.message);
    }
  }
};

// A command written as one text.
std::optional<std::vector<PlacedWord>> split_command(Section& section, std::string_view key,
                                                     const PlacedWord& whole) {
  auto words = split_words(whole.text);
  if (!words) {
    section.error_at(whole.offset + (whole.exact ? words.error().offset : 0), key, words.error().message);
    return std::nullopt;
  }
  std::vector<PlacedWord> out;
  for (auto& word : *words) {
    auto offset = whole.offset + (whole.exact ? word.offset : 0);
    bool exact = section.context().source.text().substr(offset).starts_with(word.text);
    out.push_back({.text = std::move(word.text), .offset = offset, .exact = exact});
  }
  return out;
}

// `PORT=80 ./server` is a shell's way to say it.
bool is_assignment(const std::string& word) {
  auto equals = word.find('=');
  return equals != std::string::npos && is_variable_name(std::string_view(word).substr(0, equals)) &&
         word.find('/') > equals;
}

std::optional<std::vector<PlacedWord>> command_words(Section& section, std::string_view key) {
  auto node = section.find(key);
  if (!node) return std::nullopt;
  auto words = section.words(key, "a word");
  if (!words) return std::nullopt;
  if (node->kind == NodeKind::scalar) words = split_command(section, key, words->front());
  if (!words) return std::nullopt;
  if (words->empty() || words->front().text.empty()) {
    section.error(key, "a program is needed");
    return std::nullopt;
  }
  if (node->kind == NodeKind::scalar && is_assignment(words->front().text)) {
    section.error_at(words->front().offset, key, "variables are set in env:, not before the program");
  }
  return words;
}

void take_command(Section& section, std::string_view key, std::vector<std::string>& target, const Templates& templates,
                  Place place) {
  for (auto& word : command_words(section, key).value_or(std::vector<PlacedWord>{})) {
    auto written = with_dollars(word.text);
    word.exact = word.exact && written == word.text;
    word.text = std::move(written);
    templates.check(section, key, word, place);
    target.push_back(word.text);
  }
}

void decode_cwd(Section& section, core::AppPlan& app, const Templates& templates) {
  const auto& folder = section.context().folder;
  app.cwd = as_template(folder);
  auto word = section.word("cwd");
  if (!word) return;
  templates.check(section, "cwd", *word, Place::cwd);
  if (word->text.empty()) return section.error("cwd", "a directory is needed");
  // What begins with a variable may turn out absolute: the release that knows it puts the folder in front if not.
  app.cwd = word->text.starts_with("${") ? word->text : absolute_path(word->text, as_template(folder));
}

void decode_pass_env(Section& section, core::AppPlan& app) {
  auto node = section.find("pass_env");
  if (node && node->kind != NodeKind::list) {
    auto word = section.word("pass_env");
    if (!word) return;
    if (word->text == "none") {
      app.pass_env.kind = core::PassEnv::Kind::none;
    } else if (word->text != "all") {
      section.error("pass_env",
                    fmt::format("{} is neither all nor none; a list of names goes in brackets: [{}]",
                                quoted(word->text), word->text));
    }
    return;
  }
  auto patterns = section.words("pass_env", "a name");
  if (!patterns) return;
  app.pass_env.kind = core::PassEnv::Kind::some;
  for (const auto& pattern : *patterns) {
    auto name = std::string_view(pattern.text);
    if (name.ends_with('*')) name.remove_suffix(1);
    bool good = name.find('*') == std::string_view::npos &&
                (name.empty() ? pattern.text == "*" : is_variable_name(name));
    if (!good) {
      section.error_at(
          pattern.offset, "pass_env",
          fmt::format("{} is not the name of a variable; one * may stand at the end", quoted(pattern.text)));
    }
    app.pass_env.patterns.push_back(pattern.text);
  }
}

void decode_env_files(Section& section, core::AppPlan& app) {
  for (const auto& word : section.words("env_file", "a path").value_or(std::vector<PlacedWord>{})) {
    core::EnvFile file{.path = word.text, .may_be_missing = word.text.starts_with('-')};
    if (file.may_be_missing) file.path.erase(0, 1);
    if (file.path.empty()) section.error_at(word.offset, "env_file", "a path is needed");
    file.path = absolute_path(file.path, section.context().folder);
    app.env_files.push_back(std::move(file));
  }
}

// Values are taken as written: `no` is no boolean here, and nothing is the empty text.
void decode_env(Section env, const Node* map, core::AppPlan& app, const Templates& templates) {
  if (!map || map->kind != NodeKind::map) return;
  for (const auto& entry : map->entries) {
    if (!is_variable_name(entry.key)) {
      env.error_at(entry.key_offset, entry.key,
                   fmt::format("{} is not the name of a variable", quoted(entry.key)));
    } else if (is_set_by_liveswap(entry.key)) {
      env.error_at(entry.key_offset, entry.key, "liveswap sets this variable itself");
    }
    if (entry.value.kind == NodeKind::list || entry.value.kind == NodeKind::map) {
      env.error(entry.key, fmt::format("one value is needed here, not {}", name_of(entry.value.kind)));
      continue;
    }
    auto word = placed(env.context(), entry.value);
    templates.check(env, entry.key, word, Place::env);
    app.env.emplace_back(entry.key, word.text);
  }
}

bool has_map(Section& section, std::string_view key) {
  auto node = section.find(key);
  return node && node->kind == NodeKind::map;
}

}  // namespace

void decode_target(Section& section, core::AppPlan& app) {
  auto word = section.word("target");
  if (!word) return;
  if (word->text.empty()) return section.error("target", "a path is needed");
  app.target = absolute_path(word->text, section.context().folder);
  auto kind = section.context().facts.kind_of(*app.target);
  bool is_run = !section.has("command");
  if (kind == PathKind::missing) {
    section.warning("target", fmt::format("{} is not there now", quoted(*app.target)));
  } else if (is_run && kind == PathKind::directory) {
    section.error("target",
                  fmt::format("{} is a directory: command: must say what to run of it", quoted(*app.target)));
  }
  if (!is_run || kind == PathKind::directory) return;
  auto known = kind_of_target(*app.target, section.context().facts);
  if (!known && kind == PathKind::other) {
    section.warning("target", fmt::format("{} {}", quoted(*app.target), no_kind()));
  }
}

void decode_protocol(Section& section, core::AppPlan& app) {
  section.take_choice("protocol", app.protocol);
  if (section.has("protocol") || section.has("command") || !app.target) return;
  const Facts& facts = section.context().facts;
  if (facts.kind_of(*app.target) == PathKind::directory) return;
  if (const auto kind = kind_of_target(*app.target, facts)) choose_protocol(app, *kind);
}

void decode_command(Section& section, core::AppPlan& app, const std::vector<core::ListenerPlan>& listeners) {
  Templates templates{listeners, app};
  take_command(section, "command", app.command, templates, Place::command);
  decode_cwd(section, app, templates);
  take_command(section, "on_message", app.on_message, templates, Place::message_command);
  if (has_map(section, "hooks")) {
    auto hooks = section.section("hooks");
    take_command(hooks, "pre_upgrade", app.hooks.pre_upgrade, templates, Place::hook);
  }
  if (!has_map(section, "ready")) return;
  auto ready = section.section("ready");
  take_command(ready, "command", app.ready.command, templates, Place::ready_command);
}

bool is_node_module(std::string_view program) {
  return program.ends_with(".js") || program.ends_with(".cjs") || program.ends_with(".mjs");
}

void check_programs(Section& section, const core::AppPlan& app) {
  const auto& facts = section.context().facts;
  auto check = [&](Section& where, std::string_view key, const std::vector<std::string>& command) {
    if (command.empty() || section.context().findings.has_errors()) return;
    auto missing = missing_program(command.front(), app, section.context().folder, facts);
    if (missing) where.warning(key, *missing);
  };
  check(section, "command", app.command);
  auto kind = app.command.empty() && app.target ? kind_of_target(*app.target, facts) : std::nullopt;
  if (kind && !kind->interpreter.empty()) check(section, "target", {as_template(kind->interpreter.front())});
  check(section, "on_message", app.on_message);
  if (!app.hooks.pre_upgrade.empty() && !is_node_module(app.hooks.pre_upgrade.front())) {
    auto hooks = section.section("hooks");
    check(hooks, "pre_upgrade", app.hooks.pre_upgrade);
  }
  if (app.ready.command.empty()) return;
  auto ready = section.section("ready");
  check(ready, "command", app.ready.command);
}

void decode_environment(Section& section, core::AppPlan& app,
                        const std::vector<core::ListenerPlan>& listeners) {
  decode_pass_env(section, app);
  decode_env_files(section, app);
  decode_env(section.section("env"), section.find("env"), app, {listeners, app});
}

}  // namespace liveswap::config
