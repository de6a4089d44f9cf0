// Where output goes: plain lines, or on a terminal an area of lines that is drawn again in place.
//
// Owned by main. Knows what standard output is; writes to it through `write`, so that tests see every byte.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/style.hpp"

namespace liveswap::ctl {

struct Terminal {
  bool is_terminal = false;  // standard output
  std::size_t columns = 80;
  std::size_t rows = 24;
  Style out;  // for standard output
  Style err;  // for standard error

  [[nodiscard]] static Terminal of_this_process();
};

class Screen {
 public:
  using Write = std::function<bool(std::string_view)>;  // as Output has it

  explicit Screen(Write write) : write_(std::move(write)) {}

  // Replaces what was drawn last; every line fits the terminal's width.
  void draw(const std::vector<std::string>& lines);
  // What is drawn stays; what is written next comes below.
  void keep() { drawn_.clear(); }

 private:
  Write write_;
  std::vector<std::string> drawn_;
};

}  // namespace liveswap::ctl
