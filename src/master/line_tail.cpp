#include "master/line_tail.hpp"

#include <algorithm>
#include <iterator>

namespace liveswap::master {

void LineTail::Stream::add(std::string_view line) {
  lines.emplace_back(line);
  bytes += line.size();
  while (lines.size() > kLinesMax || (bytes > kBytesMax && lines.size() > 1)) {
    bytes -= lines.front().size();
    lines.pop_front();
  }
}

void LineTail::add(bool is_stderr, std::string_view line) { (is_stderr ? err_ : out_).add(line); }

std::vector<std::string> LineTail::last_lines(std::size_t max) const {
  const std::deque<std::string>& lines = err_.lines.empty() ? out_.lines : err_.lines;
  const auto count = static_cast<std::ptrdiff_t>(std::min(max, lines.size()));
  return {std::prev(lines.end(), count), lines.end()};
}

}  // namespace liveswap::master
