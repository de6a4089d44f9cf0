#include "config/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "config/utf8.hpp"

namespace liveswap::config {

namespace {

// Longer texts are cut: a message is one line.
constexpr std::size_t kColumns = 79;  // of --help
constexpr std::size_t kQuotedCharactersMax = 60;

// Beyond that no suggestion is looked for: the table below grows with the product of both lengths.
constexpr std::size_t kSuggestionLengthMax = 64;
constexpr std::size_t kCandidatesMax = 200;

// "warning" and "warn": one is the beginning of the other.
bool is_short_for(std::string_view a, std::string_view b) {
  return std::min(a.size(), b.size()) >= 4 && (a.starts_with(b) || b.starts_with(a)) && a != b;
}

// The character at the start of `text`, of that many bytes, as it can be shown.
std::string shown(std::string_view text, const std::optional<Character>& character) {
  bool printable = character && character->code >= 0x20 && (character->code < 0x7F || character->code > 0x9F);
  if (printable) return std::string(text.substr(0, character->bytes));
  if (text[0] == '\n') return "\\n";
  if (text[0] == '\t') return "\\t";
  std::string out;
  for (char c : text.substr(0, character ? character->bytes : 1)) {
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace

std::string one_line(std::string_view text, std::size_t characters_max) {
  std::string out;
  for (std::size_t count = 0; !text.empty(); ++count) {
    if (count == characters_max) return out + "…";
    auto character = first_character(text);
    out += shown(text, character);
    text.remove_prefix(character ? character->bytes : 1);
  }
  return out;
}

std::string quoted(std::string_view text) { return '"' + one_line(text, kQuotedCharactersMax) + '"'; }

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace});
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates) {
  if (word.size() > kSuggestionLengthMax || candidates.size() > kCandidatesMax) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = 0;
  for (const auto& candidate : candidates) {
    auto [shorter, longer] = std::minmax({word.size(), candidate.size()});
    // A third of the letters wrong is a slip; more is another word.
    auto allowed =
        std::min(std::max<std::size_t>(1, longer / 3), shorter - std::min<std::size_t>(shorter, 1));
    bool short_for = is_short_for(word, candidate);
    if (candidate.size() > kSuggestionLengthMax || (longer - shorter > allowed && !short_for)) continue;
    auto edits = short_for ? 1 : distance(word, candidate);
    if (edits <= allowed && (!best || edits < best_distance)) {
      best = candidate;
      best_distance = edits;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  auto best = nearest(word, candidates);
  return best ? fmt::format(" (did you mean {}?)", quoted(*best)) : "";
}

std::string joined(std::span<const std::string> items, std::string_view separator) {
  return fmt::format("{}", fmt::join(items, separator));
}

std::string option_column(char letter, std::string_view name, std::string_view value) {
  std::string out = letter == '\0' ? "    " : fmt::format("  -{}", letter);
  if (!name.empty()) out += fmt::format("{}--{}", letter == '\0' ? "  " : ", ", name);
  if (!value.empty()) out += fmt::format(" {}", value);
  return out;
}

std::string two_columns(std::string left, std::size_t column, std::string_view right) {
  std::string out = std::move(left);
  std::size_t width = out.size();
  if (width + 2 > column) {
    out += "\n";
    width = 0;
  }
  out.append(column - width, ' ');
  width = column;
  while (!right.empty()) {
    const std::size_t end = std::min(right.find(' '), right.size());
    const std::string_view word = right.substr(0, end);
    if (width > column && width + 1 + word.size() > kColumns) {
      out += "\n" + std::string(column, ' ');
      width = column;
    }
    if (width > column) {
      out += ' ';
      ++width;
    }
    out += word;
    width += word.size();
    right.remove_prefix(std::min(end + 1, right.size()));
  }
  return out + "\n";
}

}  // namespace liveswap::config
