// A part of a text. Like std::string_view::substr, but a start beyond the end gives nothing instead of an
// exception: for what is linked without libstdc++ (the launcher, libliveswap).
#pragma once

#include <cstddef>
#include <string_view>

namespace liveswap::wire {

[[nodiscard]] constexpr std::string_view slice(std::string_view text, std::size_t from,
                                               std::size_t count = std::string_view::npos) {
  if (from > text.size()) from = text.size();
  const std::size_t rest = text.size() - from;
  return {text.data() + from, count < rest ? count : rest};
}

}  // namespace liveswap::wire
