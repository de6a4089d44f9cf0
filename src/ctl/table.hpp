// Rows of cells, each column as wide as its widest cell, two blanks between. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace liveswap::ctl {

class Table {
 public:
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] std::size_t rows() const { return rows_.size(); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace liveswap::ctl
