// Short texts put together without allocation: paths to try, objects of messages. What does not fit is cut
// off, and c_str() always ends in a NUL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/decimal.hpp"

namespace liveswap::launch {

class TextBuffer {
 public:
  static constexpr std::size_t kSize = 8192;  // a path (PATH_MAX is 4096) and some words about it

  void clear() { length_ = 0; }
  TextBuffer& add(std::string_view text) {
    for (const char c : text) {
      if (length_ + 1 < kSize) bytes_[length_++] = c;
    }
    bytes_[length_] = '\0';
    return *this;
  }
  TextBuffer& add(std::uint64_t number) { return add(wire::DecimalText{number}.view()); }

  [[nodiscard]] std::string_view view() const { return {bytes_, length_}; }
  [[nodiscard]] const char* c_str() const { return bytes_; }

 private:
  char bytes_[kSize];
  std::size_t length_ = 0;
};

}  // namespace liveswap::launch
