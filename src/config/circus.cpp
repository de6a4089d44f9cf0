#include "config/circus.hpp"

#include <algorithm>

namespace liveswap::config {

namespace {

constexpr std::string_view kName = "circus.";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool starts_ignoring_case(std::string_view text, std::string_view start) {
  return same_ignoring_case(text.substr(0, start.size()), start);
}

std::size_t circus_reference(std::string_view text) {
  const bool has_dollar = text.starts_with("$(");
  if (!has_dollar && !text.starts_with("((")) return 0;
  if (!starts_ignoring_case(text.substr(2), kName)) return 0;
  const std::string_view end = has_dollar ? ")" : "))";
  const std::size_t close = text.find(end);
  if (close == std::string_view::npos) return 0;
  const bool is_one_word = text.substr(2, close - 2).find_first_of(" \t\r\n\"'$(){}") == std::string_view::npos;
  return is_one_word ? close + end.size() : 0;
}

std::string_view circus_name(std::string_view reference) {
  const std::size_t ends = reference.starts_with('$') ? 1 : 2;
  return reference.substr(2, reference.size() - 2 - ends);
}

std::string with_dollars(std::string_view word) {
  std::string out;
  while (!word.empty()) {
    const std::size_t length = word.starts_with("((") ? circus_reference(word) : 0;
    if (length > 0) {
      out.append("$(").append(circus_name(word.substr(0, length))).append(")");
    } else {
      out += word.front();
    }
    word.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

}  // namespace liveswap::config
