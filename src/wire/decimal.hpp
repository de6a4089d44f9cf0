// Decimal numbers as our text formats have them: digits only, no sign, no space, nothing behind.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace liveswap::wire {

[[nodiscard]] constexpr std::optional<std::uint64_t> parse_decimal(
    std::string_view text, std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (max - digit) / 10 || digit > max) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

// The digits of a number, with no allocation and no locale.
class DecimalText {
 public:
  explicit constexpr DecimalText(std::uint64_t value) {
    do {
      digits_[--start_] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
  }
  [[nodiscard]] constexpr std::string_view view() const { return {digits_ + start_, kSize - start_}; }

 private:
  static constexpr std::size_t kSize = std::numeric_limits<std::uint64_t>::digits10 + 1;
  char digits_[kSize] = {};
  std::size_t start_ = kSize;
};

}  // namespace liveswap::wire
