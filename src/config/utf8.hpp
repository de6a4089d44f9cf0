// The little of UTF-8 that configuration needs: is it valid, how many characters, how wide on a terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace liveswap::config {

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
};

// The character at the start of `text`, which must not be empty; none where it is not valid UTF-8 (overlong
// forms, surrogates and what lies beyond U+10FFFF are not).
std::optional<Character> first_character(std::string_view text);

// The offset of the first byte that is not valid UTF-8.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

// Each byte of an invalid sequence counts as one character.
std::size_t count_characters(std::string_view text);

// Columns on a terminal: 0 for combining marks, 2 for East Asian wide characters and emoji, else 1.
int terminal_width(std::uint32_t code);

}  // namespace liveswap::config
