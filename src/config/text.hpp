// Words for messages: quoting what a person wrote, lists, and the nearest of several names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace liveswap::config {

// In double quotes, with control characters and invalid UTF-8 escaped (a file must not be able to drive the
// operator's terminal) and cut after 60 characters.
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

}  // namespace liveswap::config
