#include "wire/line_reader.hpp"

#include <utility>

namespace liveswap::wire {

void LineReader::feed(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    passing_over_ = passing_over_ || part_.size() + piece.size() > max_;
    if (passing_over_) {
      part_ = {};
    } else if (end == std::string_view::npos || !part_.empty()) {
      part_.append(piece);
    }
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    if (std::exchange(passing_over_, false)) {
      take(std::nullopt);
    } else if (part_.empty()) {
      take(piece);
    } else {
      take(std::exchange(part_, {}));
    }
  }
}

}  // namespace liveswap::wire
