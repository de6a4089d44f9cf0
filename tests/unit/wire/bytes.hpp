// Byte strings written down in tests.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* from = reinterpret_cast<const std::byte*>(text.data());
  return {from, from + text.size()};
}

// "01 00 11" -> three bytes; spaces and line ends stand where they like
inline std::vector<std::byte> bytes_of_hex(std::string_view hex) {
  std::string digits;
  for (const char c : hex) {
    if (c != ' ' && c != '\n') digits += c;
  }
  std::vector<std::byte> out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return out;
}
