#include "master/line_splitter.hpp"

#include <utility>

namespace liveswap::master {
namespace {

constexpr std::size_t kUtf8Max = 4;  // bytes of one character

std::string_view without_return(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U; }

// At most kLineMax, and not in the middle of a character where the text is UTF-8.
std::size_t cut_at(std::string_view line) {
  std::size_t at = kLineMax;
  while (at > kLineMax - kUtf8Max && continues_character(line[at])) --at;
  return continues_character(line[at]) ? kLineMax : at;
}

}  // namespace

void LineSplitter::feed(std::string_view bytes, const TakeLine& take) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      rest_.append(bytes);
      cut_long_line(take);
      return;
    }
    if (rest_.empty() && end <= kLineMax) {
      take(without_return(bytes.substr(0, end)));
    } else {
      rest_.append(bytes.substr(0, end));
      cut_long_line(take);
      take(without_return(rest_));
      rest_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
}

void LineSplitter::finish(const TakeLine& take) {
  const std::string last = std::exchange(rest_, {});
  if (!last.empty()) take(without_return(last));
}

void LineSplitter::cut_long_line(const TakeLine& take) {
  std::string_view line = rest_;
  while (line.size() > kLineMax) {
    const std::size_t at = cut_at(line);
    take(std::string(line.substr(0, at)).append(kCutMark));
    line.remove_prefix(at);
  }
  if (line.size() != rest_.size()) rest_ = std::string(line);
}

}  // namespace liveswap::master
