// Values as Rust's bincode 1 writes them by default: numbers of a fixed size, the lowest byte first; the length of a
// list or text in 8 bytes before it, the number of an enum's case in 4, an option's presence in 1.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace liveswap::wire {

class Bincode {
 public:
  template <std::integral T>
  Bincode& number(T value) {
    auto bits = static_cast<std::uint64_t>(value);
    for (std::size_t i = 0; i < sizeof(T); ++i, bits >>= 8) out_ += static_cast<char>(bits & 0xff);
    return *this;
  }
  Bincode& bytes(std::string_view raw) {  // an array of a known size
    out_ += raw;
    return *this;
  }
  Bincode& length(std::size_t size) { return number(static_cast<std::uint64_t>(size)); }
  Bincode& text(std::string_view text) { return length(text.size()).bytes(text); }
  Bincode& variant(std::uint32_t which) { return number(which); }
  Bincode& some() { return number(std::uint8_t{1}); }
  Bincode& none() { return number(std::uint8_t{0}); }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace liveswap::wire
