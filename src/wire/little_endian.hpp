// Fixed-width little-endian numbers in byte buffers, byte by byte, so that neither alignment nor the
// machine's own byte order matters. The caller has checked the bounds.
#pragma once

#include <concepts>
#include <cstddef>

namespace liveswap::wire {

template <std::unsigned_integral T>
[[nodiscard]] constexpr T get_le(const std::byte* from) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    value = static_cast<T>((value << 7 << 1) | static_cast<T>(from[i]));
  return value;
}

template <std::unsigned_integral T>
constexpr void put_le(std::byte* to, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<std::byte>(value >> (8 * i));
}

}  // namespace liveswap::wire
