#include "config/source.hpp"

#include <algorithm>

#include "config/utf8.hpp"

namespace liveswap::config {

Source::Source(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {
  line_starts_.push_back(0);
  for (std::size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(i + 1);
  }
}

std::size_t Source::line_index(std::size_t offset) const {
  auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  return static_cast<std::size_t>(after - line_starts_.begin()) - 1;
}

Position Source::position(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  auto index = line_index(offset);
  auto before = std::string_view(text_).substr(line_starts_[index], offset - line_starts_[index]);
  return {static_cast<int>(index) + 1, static_cast<int>(count_characters(before)) + 1};
}

std::string_view Source::line_at(std::size_t offset) const {
  auto start = line_starts_[line_index(std::min(offset, text_.size()))];
  auto line = std::string_view(text_).substr(start);
  line = line.substr(0, line.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace liveswap::config
