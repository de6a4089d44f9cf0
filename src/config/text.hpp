// Words for messages: quoting what a person wrote, lists, and the nearest of several names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace liveswap::config {

// Without what could drive the operator's terminal or break the line: control characters and invalid UTF-8
// are escaped. Cut after that many characters.
std::string one_line(std::string_view text, std::size_t characters_max);

// What a person wrote: as one line of at most 60 characters, in double quotes.
std::string quoted(std::string_view text);

// Edits between two words: insert, delete, replace, swap two neighbours (Damerau-Levenshtein, optimal
// alignment).
std::size_t distance(std::string_view a, std::string_view b);

// The candidate that a person who wrote `word` most likely meant; none where nothing is near enough.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

// ` (did you mean "workers"?)`, or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

// "a, b, c"
std::string joined(std::span<const std::string> items, std::string_view separator = ", ");

// For --help: "  -c, --config FILE", where '\0', "" and "" are none.
std::string option_column(char letter, std::string_view name, std::string_view value);

// For --help: `left`, then `right` from `column` on, broken between words, with the end of the line.
std::string two_columns(std::string left, std::size_t column, std::string_view right);

}  // namespace liveswap::config
