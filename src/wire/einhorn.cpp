#include "wire/einhorn.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "wire/decimal.hpp"
#include "wire/json.hpp"

namespace liveswap::wire::einhorn {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kNoMap = "the message is no map of words";

using Words = std::vector<std::pair<std::string, std::string>>;  // key and value
using Read = std::expected<Words, FormatError>;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// One word from the start of `text`, of which it is taken off: in quotes, or plain up to one of `ends`. A colon ends a
// key only before a space, as in `command: worker:ack`.
std::optional<std::string> take_word(std::string_view& text, std::string_view ends, bool is_key) {
  text = trimmed(text);
  if (text.empty()) return std::nullopt;
  if (text.front() == '"' || text.front() == '\'') {
    const std::size_t close = text.find(text.front(), 1);
    if (close == std::string_view::npos) return std::nullopt;
    std::string word(text.substr(1, close - 1));
    text.remove_prefix(close + 1);
    return word.contains('\\') ? std::nullopt : std::optional(word);
  }
  std::size_t end = 0;
  for (; end < text.size() && !ends.contains(text[end]); ++end) {
    const bool before_space = end + 1 == text.size() || kSpace.contains(text[end + 1]);
    if (is_key && text[end] == ':' && before_space) break;
  }
  const std::string_view word = trimmed(text.substr(0, end));
  text.remove_prefix(end);
  return word.empty() ? std::nullopt : std::optional(std::string(word));
}

// `key: value` from the start of `text`.
bool take_pair(std::string_view& text, std::string_view ends, Words& words) {
  auto key = take_word(text, ends, true);
  text = trimmed(text);
  if (!key || !text.starts_with(':')) return false;
  text.remove_prefix(1);
  auto value = take_word(text, ends, false);
  if (!value) return false;
  words.emplace_back(std::move(*key), std::move(*value));
  return true;
}

Read read_braces(std::string_view text) {
  if (!text.ends_with('}')) return std::unexpected(FormatError{"a brace is not closed"});
  text = trimmed(text.substr(1, text.size() - 2));
  Words words;
  while (!text.empty()) {
    if (!take_pair(text, ",{}[]", words)) return std::unexpected(FormatError{kNoMap});
    text = trimmed(text);
    if (text.empty()) break;
    if (text.front() != ',') return std::unexpected(FormatError{kNoMap});
    text.remove_prefix(1);
  }
  return words;
}

Read read_lines(std::string_view text) {
  Words words;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = trimmed(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line == "...") continue;
    if (!take_pair(line, "", words) || !trimmed(line).empty()) return std::unexpected(FormatError{kNoMap});
  }
  return words;
}

// Numbers as their digits; what is no word has no meaning here.
std::optional<Words> read_json(std::string_view text) {
  const auto parsed = parse_json(text);
  if (!parsed || !parsed->is_object()) return std::nullopt;
  Words words;
  for (const auto& [key, value] : parsed->items()) {
    words.emplace_back(key, value.is_string() ? value.get<std::string>() : dump_json(value));
  }
  return words;
}

Read read_map(std::string_view text) {
  if (text.starts_with("---")) text = trimmed(text.substr(3));
  if (!text.starts_with('{')) return read_lines(text);
  if (auto json = read_json(text)) return std::move(*json);
  return read_braces(text);
}

// Ruby's symbols are words with a colon before them.
std::string_view without_symbol(std::string_view key) { return key.starts_with(':') ? key.substr(1) : key; }

}  // namespace

std::string unescape(std::string_view line) {
  std::string text;
  while (!line.empty()) {
    const bool is_break = line.starts_with("%0A");
    const bool is_escape = is_break || line.starts_with("%25");
    text += is_break ? '\n' : line.front();
    line.remove_prefix(is_escape ? 3 : 1);
  }
  return text;
}

std::expected<Command, FormatError> parse(std::string_view line) {
  if (line.size() > kLineMax) return std::unexpected(FormatError{"the message is too long"});
  const std::string text = unescape(line);
  const auto words = read_map(trimmed(text));
  if (!words) return std::unexpected(words.error());
  Command command;
  for (const auto& [key, value] : *words) {
    if (without_symbol(key) == "command") {
      if (!command.command.empty()) return std::unexpected(FormatError{"command is there twice"});
      command.command = value;
    } else if (without_symbol(key) == "pid") {
      const auto pid = parse_decimal(value, std::numeric_limits<int>::max());
      if (!pid || *pid == 0) return std::unexpected(FormatError{"pid is no process id"});
      if (command.pid) return std::unexpected(FormatError{"pid is there twice"});
      command.pid = static_cast<int>(*pid);
    }
  }
  if (command.command.empty()) return std::unexpected(FormatError{"there is no command"});
  return command;
}

}  // namespace liveswap::wire::einhorn
