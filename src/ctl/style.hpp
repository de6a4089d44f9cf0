// What the terminal can do, and text for it. Escape codes are made here only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace liveswap::ctl {

struct Style {
  bool color = false;

  [[nodiscard]] std::string good(std::string_view text) const { return painted("32", text); }
  [[nodiscard]] std::string bad(std::string_view text) const { return painted("31", text); }
  [[nodiscard]] std::string busy(std::string_view text) const { return painted("33", text); }
  [[nodiscard]] std::string faint(std::string_view text) const { return painted("2", text); }

 private:
  [[nodiscard]] std::string painted(std::string_view code, std::string_view text) const {
    if (!color) return std::string(text);
    return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
  }
};

// Columns that the text takes, escape codes left out, every character as wide as a terminal shows it.
std::size_t width_of(std::string_view text);

// The text, ended after so many columns; what was painted stays painted only up to there.
std::string cut_to(std::string_view text, std::size_t columns);

// `text` and blanks up to so many columns.
std::string padded(std::string text, std::size_t columns);

// One line of a stranger, fit for a terminal: tabs as blanks, other control characters as '?'.
std::string harmless(std::string_view line);

}  // namespace liveswap::ctl
