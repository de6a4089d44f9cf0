// Words to parts: the grammar of `${…}`.
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "config/circus.hpp"
#include "config/expand.hpp"
#include "config/scalars.hpp"
#include "config/text.hpp"

namespace liveswap::config {

namespace {

enum class Argument { none, listener, variable };
enum class Known { release, worker };

struct Row {
  std::string_view name;
  Variable variable;
  Argument argument;
  Known known;
};

constexpr auto kRows = std::to_array<Row>({
#define VARIABLE(name, argument, known, doc) {#name, Variable::name, Argument::argument, Known::known},
#include "config/variables.def"
#undef VARIABLE
});

const Row& row_of(Variable variable) { return kRows[static_cast<std::size_t>(variable)]; }

std::string forms() {
  return "${fd:NAME}, ${addr:NAME}, ${port:NAME}, ${target}, ${slot}, ${generation}, ${release}, ${env:VAR}";
}

std::vector<std::string> row_names() {
  std::vector<std::string> names;
  for (const auto& row : kRows) names.emplace_back(row.name);
  return names;
}

bool looks_like_environment(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string_view::npos;
}

std::string unknown_variable(std::string_view inner, std::string_view name) {
  auto message = fmt::format("unknown variable {}", quoted(fmt::format("${{{}}}", inner)));
  if (inner == name && looks_like_environment(inner)) {
    return fmt::format("{} (did you mean \"${{env:{}}}\"? $${{{}}} keeps it as it is)", message, inner,
                       inner);
  }
  if (auto near = nearest(name, row_names())) {
    return fmt::format("{} (did you mean \"${{{}{}}}\"?)", message, *near, inner.substr(name.size()));
  }
  return fmt::format("{}: there are {}; $${{ is a plain ${{", message, forms());
}

using ParsedPart = std::expected<Part, std::string>;

ParsedPart listener_part(const Row& row, std::string_view argument) {
  auto colon = argument.find(':');
  auto name = argument.substr(0, colon);
  Part part{.variable = row.variable, .text = std::string(name)};
  if (!is_name(name))
    return std::unexpected(fmt::format("${{{}:NAME}} needs the name of a listener", row.name));
  if (colon == std::string_view::npos) return part;
  auto digits = argument.substr(colon + 1);
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), part.index);
  if (error != std::errc{} || end != digits.data() + digits.size() || part.index > 1000) {
    return std::unexpected(
        fmt::format("{} is not the place of a socket in its listener: 0, 1, …", quoted(digits)));
  }
  return part;
}

// `inner` is what stands between the braces.
ParsedPart parse_part(std::string_view inner) {
  auto colon = inner.find(':');
  auto name = inner.substr(0, colon);
  for (const auto& row : kRows) {
    if (row.name != name) continue;
    bool has_argument = colon != std::string_view::npos;
    if (row.argument == Argument::none) {
      if (has_argument) return std::unexpected(fmt::format("${{{}}} takes nothing after a colon", name));
      return Part{.variable = row.variable};
    }
    auto argument = has_argument ? inner.substr(colon + 1) : std::string_view{};
    if (row.argument == Argument::listener) return listener_part(row, argument);
    if (!is_variable_name(argument)) return std::unexpected("${env:VAR} needs the name of a variable");
    return Part{.variable = row.variable, .text = std::string(argument)};
  }
  return std::unexpected(unknown_variable(inner, name));
}

// `inner` is what stands between the parentheses.
ParsedPart circus_part(std::string_view inner) {
  constexpr std::string_view kSockets = "circus.sockets.";
  if (same_ignoring_case(inner, "circus.wid")) return Part{.variable = Variable::slot, .text = "", .is_circus = true};
  if (starts_ignoring_case(inner, kSockets)) {
    auto name = inner.substr(kSockets.size());
    if (!is_name(name)) return std::unexpected("$(circus.sockets.NAME) needs the name of a listener");
    return Part{.variable = Variable::fd, .text = std::string(name), .is_circus = true};
  }
  return std::unexpected(
      fmt::format("unknown variable {}: of circus there are $(circus.sockets.NAME) and $(circus.wid)",
                  quoted(fmt::format("$({})", inner))));
}

// A part that begins with a dollar at the start of `text`, and how long it is there; 0: the dollar is only one.
struct Reference {
  ParsedPart part;
  std::size_t length = 0;
};

Reference reference_at(std::string_view text) {
  if (text.starts_with("${")) {
    auto close = text.find('}');
    if (close == std::string_view::npos) return {std::unexpected("${ without its }; $${ is a plain ${"), 1};
    return {parse_part(text.substr(2, close - 2)), close + 1};
  }
  if (auto length = circus_reference(text); length > 0) {
    return {circus_part(circus_name(text.substr(0, length))), length};
  }
  if (text.starts_with("$(") && starts_ignoring_case(text.substr(2), "circus.")) {
    return {std::unexpected("$(circus. without its ); $$( is a plain $("), 1};
  }
  return {Part{}, 0};
}

void append_text(Template& parts, std::string_view text, std::size_t offset) {
  if (text.empty()) return;
  if (parts.empty() || parts.back().variable)
    parts.push_back({.variable = {}, .text = "", .index = 0, .is_circus = false, .offset = offset});
  parts.back().text += text;
}

}  // namespace

std::expected<Template, TemplateError> parse_template(std::string_view word) {
  Template parts;
  std::size_t at = 0;
  while (at < word.size()) {
    auto dollar = std::min(word.find('$', at), word.size());
    append_text(parts, word.substr(at, dollar - at), at);
    if (dollar == word.size()) break;
    auto [part, length] = reference_at(word.substr(dollar));
    if (length == 0) {
      append_text(parts, "$", dollar);
      at = dollar + (word.substr(dollar + 1).starts_with('$') ? 2 : 1);
      continue;
    }
    if (!part) return std::unexpected(TemplateError{dollar, part.error()});
    part->offset = dollar;
    parts.push_back(std::move(*part));
    at = dollar + length;
  }
  return parts;
}

std::string text_of(const Part& part) {
  if (!part.variable) return part.text;
  if (part.is_circus) {
    return part.variable == Variable::fd ? fmt::format("$(circus.sockets.{})", part.text) : "$(circus.wid)";
  }
  const auto& row = row_of(*part.variable);
  if (row.argument == Argument::none) return fmt::format("${{{}}}", row.name);
  auto index = part.index > 0 ? fmt::format(":{}", part.index) : "";
  return fmt::format("${{{}:{}{}}}", row.name, part.text, index);
}

bool names_listener(const Part& part, std::string_view listener) {
  return part.is_circus ? same_ignoring_case(part.text, listener) : part.text == listener;
}

std::string as_template(std::string_view text) {
  std::string out;
  for (char c : text) out.append(c == '$' ? 2 : 1, c);
  return out;
}

bool is_per_worker(Variable variable) { return row_of(variable).known == Known::worker; }

}  // namespace liveswap::config
