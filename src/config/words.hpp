// A command written as one text, split as a shell splits words. No shell is run, so what only a shell can do
// is refused rather than handed to the program as a word.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace liveswap::config {

struct Word {
  std::string text;
  std::size_t offset = 0;  // of its first character in the text that was split
  bool operator==(const Word&) const = default;
};

struct WordError {
  std::size_t offset = 0;
  std::string message;
};

std::expected<std::vector<Word>, WordError> split_words(std::string_view text);

}  // namespace liveswap::config
