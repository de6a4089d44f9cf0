#include "config/target_kind.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace liveswap::config {

namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kLineEnds("\n\0", 2);

struct Interpreter {
  std::string_view ending, program;
};

constexpr auto kInterpreters = std::to_array<Interpreter>({
#define INTERPRETER(ending, program) {ending, program},
#include "config/interpreters.def"
#undef INTERPRETER
});

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string_view base_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// `#!/usr/bin/env -S VAR=1 node --flag`: what env runs is its first word that is neither option nor variable.
bool env_runs_node(std::string_view rest) {
  while (!rest.empty()) {
    const auto word = rest.substr(0, rest.find_first_of(kBlanks));
    if (!word.starts_with('-') && word.find('=') == std::string_view::npos) return is_called_node(word);
    rest = trimmed(rest.substr(word.size()));
  }
  return false;
}

// As the kernel reads it: the interpreter, and all the rest of the line as one word.
std::optional<TargetKind> by_first_line(std::string_view head) {
  if (!head.starts_with("#!")) return std::nullopt;
  const auto line = trimmed(head.substr(2, head.find_first_of(kLineEnds) - 2));
  const auto program = line.substr(0, line.find_first_of(kBlanks));
  if (program.empty()) return std::nullopt;
  const auto rest = trimmed(line.substr(program.size()));
  TargetKind kind;
  kind.interpreter.emplace_back(program);
  if (!rest.empty()) kind.interpreter.emplace_back(rest);
  kind.is_node = is_called_node(program) || (base_of(program) == "env" && env_runs_node(rest));
  return kind;
}

std::optional<TargetKind> by_ending(std::string_view path) {
  const auto name = base_of(path);
  const auto found = std::ranges::find_if(kInterpreters, [name](const Interpreter& known) {
    return name.ends_with(known.ending) && name.size() > known.ending.size();
  });
  if (found == kInterpreters.end()) return std::nullopt;
  return TargetKind{.interpreter = {std::string(found->program)}, .is_node = is_called_node(found->program)};
}

}  // namespace

bool is_called_node(std::string_view program) { return base_of(program) == "node" || base_of(program) == "nodejs"; }

std::optional<TargetKind> kind_of_target(std::string_view path, bool is_executable, std::string_view head) {
  auto script = by_first_line(head);
  if (is_executable && script) return TargetKind{.interpreter = {}, .is_node = script->is_node};
  if (script) return script;
  if (is_executable && head.starts_with("\177ELF")) return TargetKind{};
  if (auto known = by_ending(path)) return known;
  return is_executable ? std::optional(TargetKind{}) : std::nullopt;
}

std::optional<TargetKind> kind_of_target(const std::string& path, const Facts& facts) {
  const auto head = facts.read_head ? facts.read_head(path) : std::nullopt;
  return kind_of_target(path, facts.kind_of(path) == PathKind::executable, head.value_or(""));
}

void choose_protocol(core::AppPlan& app, const TargetKind& kind) {
  app.protocol = kind.protocol(!app.all_listeners().empty());
  app.protocol_chosen = true;
  app.ready.when = core::default_ready(app.protocol);
  app.policy.drain_by_signal = core::drain_signal(app.protocol).has_value();
  if (app.protocol == core::Protocol::bind) app.policy.leaving = core::Leaving::asked_when_empty;
}

std::string no_kind() {
  std::string endings;
  for (const Interpreter& known : kInterpreters) endings += fmt::format(" {}", known.ending);
  return "is not executable, and neither a #! line nor its ending says what runs it; known are" + endings;
}

}  // namespace liveswap::config
