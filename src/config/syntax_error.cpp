#include "config/syntax_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "config/text.hpp"

namespace liveswap::config {

namespace {

struct Wording {
  std::string_view theirs;  // begins with
  std::string_view ours;
};

constexpr std::string_view kQuoteIt = "a value cannot begin with this character: quote it";

constexpr std::array<Wording, 13> kWordings{{
    {"end of map not found",
     "a key was expected here: check the indentation, and what stands after a closing quote"},
    {"end of sequence not found", "a list item (- …) was expected here: check the indentation"},
    {"illegal map value",
     "\": \" cannot stand here: check the indentation, or quote a value that holds \": \""},
    {"illegal map key", "a key cannot stand here: check the indentation"},
    {"illegal block entry", "a list item (- …) cannot stand here: check the indentation"},
    {"illegal flow end", "this bracket closes nothing that is open here"},
    {"unknown token", kQuoteIt},
    {"alias not found after *", "a value that begins with * must be quoted"},
    {"anchor not found after &", "a value that begins with & must be quoted"},
    {"the referenced anchor is not defined",
     "no anchor (&name) of this name stands above; a value that begins with * must be quoted"},
    {"illegal character found while scanning a", "a value that begins with * or & must be quoted"},
    {"illegal document indicator in scalar", "a quote is still open where a document ends"},
    {"illegal tab when looking for indentation", "a tab cannot indent: use spaces"},
}};

// Where the outermost bracket opens that is still open at the end of `text`, from the bracket at `offset`.
std::optional<std::size_t> find_unclosed_bracket(std::string_view text, std::size_t offset) {
  std::vector<std::size_t> open;
  for (auto i = offset; i < text.size(); ++i) {
    bool may_quote = i == 0 || std::string_view(" \t\n,:[{").find(text[i - 1]) != std::string_view::npos;
    if ((text[i] == '"' || text[i] == '\'') && may_quote) {
      auto close = text.find(text[i], i + 1);
      i = close == std::string_view::npos ? text.size() : close;
    } else if (text[i] == '[' || text[i] == '{') {
      open.push_back(i);
    } else if (text[i] == ']' || text[i] == '}') {
      if (!open.empty()) open.pop_back();
      if (open.empty()) return std::nullopt;
    }
  }
  return open.empty() ? std::nullopt : std::optional(open.front());
}

bool ends_word(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ','; }

// The word around the bracket at `bracket` that an operator surely meant as one: `${fd:http}`,
// `tcp://[::]:80`. `text` begins with the line.
std::string_view meant_word(std::string_view text, std::size_t bracket) {
  std::size_t first = bracket;
  while (first > 0 && !ends_word(text[first - 1]) && text[first - 1] != '[' && text[first - 1] != '{')
    --first;
  std::size_t last = bracket;
  int depth = 0;
  for (; last < text.size() && !ends_word(text[last]); ++last) {
    if (text[last] == '[' || text[last] == '{') ++depth;
    if ((text[last] == ']' || text[last] == '}') && --depth < 0) break;
  }
  return text.substr(first, last - first);
}

// Inside [ ] and { }, YAML ends a word at a bracket.
std::optional<ExplainedError> bracket_in_word(const Source& source, std::size_t offset) {
  auto text = source.text();
  if (offset >= text.size() || (text[offset] != '{' && text[offset] != '[')) return std::nullopt;
  auto word = meant_word(text, offset);
  auto first = static_cast<std::size_t>(word.data() - text.data());
  if (first == offset) return std::nullopt;
  return ExplainedError{
      first, fmt::format("inside [ ] and {{ }}, YAML takes the {} of this value for the start of a "
                         "{}: quote it: \"{}\"",
                         text[offset], text[offset] == '{' ? "map" : "list", word)};
}

std::string not_closed(bool list) {
  return fmt::format("the {} that begins here is not closed by {}, or a comma is missing",
                     list ? "list" : "map", list ? ']' : '}');
}

std::optional<ExplainedError> unclosed_brackets(const Source& source, const SyntaxError& error) {
  bool list = error.message == "end of sequence flow not found";
  if (!list && error.message != "end of map flow not found") return std::nullopt;
  if (auto explained = bracket_in_word(source, error.offset)) return explained;
  return ExplainedError{error.innermost_open.value_or(error.offset), not_closed(list)};
}

}  // namespace

ExplainedError explain_syntax_error(const Source& source, const SyntaxError& error) {
  if (auto explained = unclosed_brackets(source, error)) return *explained;
  auto line = source.line_at(error.offset);
  auto indentation = line.substr(0, std::min(line.find_first_not_of(" \t"), line.size()));
  if (auto tab = indentation.find('\t'); tab != std::string_view::npos) {
    return {static_cast<std::size_t>(line.data() - source.text().data()) + tab,
            "a tab cannot indent: use spaces"};
  }
  if (error.message.starts_with("unknown escape character")) {
    auto backslash = source.text().rfind('\\', error.offset);  // yaml-cpp stands behind it
    return {std::min(backslash, error.offset),
            "unknown \\ escape in double quotes; in single quotes a \\ is a \\"};
  }
  for (const auto& wording : kWordings) {
    if (error.message.starts_with(wording.theirs)) return {error.offset, std::string(wording.ours)};
  }
  return {error.offset, "not YAML: " + error.message};
}

ExplainedError explain_key(std::string_view text, std::size_t key,
                           std::optional<std::size_t> outermost_bracket) {
  if (outermost_bracket) {
    if (auto open = find_unclosed_bracket(text, *outermost_bracket))
      return {*open, not_closed(text[*open] == '[')};
  }
  return {key, "a list or map cannot be a key"};
}

std::size_t value_start(std::string_view text, std::size_t offset) {
  auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (offset < text.size() && (text[offset] == '&' || text[offset] == '!')) {
    auto next = offset;
    while (next < text.size() && !is_space(text[next])) ++next;
    while (next < text.size() && is_space(text[next])) ++next;
    if (next == text.size()) break;
    offset = next;
  }
  return offset;
}

std::string_view null_word(std::string_view text, std::size_t offset) {
  auto rest = text.substr(std::min(offset, text.size()));
  for (std::string_view word : {"~", "null", "Null", "NULL"}) {
    if (!rest.starts_with(word)) continue;
    auto after = rest.substr(word.size());
    after.remove_prefix(std::min(after.find_first_not_of(" \t"), after.size()));
    // A key of that name stands there: the value before it was left out.
    return after.starts_with(':') ? std::string_view{} : rest.substr(0, word.size());
  }
  return {};
}

bool quote_is_closed(std::string_view text, std::size_t offset) {
  if (offset >= text.size() || (text[offset] != '"' && text[offset] != '\'')) return true;
  char quote = text[offset];
  for (std::size_t i = offset + 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      bool doubled = quote == '\'' && text.substr(i + 1).starts_with('\'');
      if (!doubled) return true;
      ++i;
    }
  }
  return false;
}

}  // namespace liveswap::config
