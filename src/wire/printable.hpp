// Text of a stranger made fit for a terminal, a log line or JSON: one line of valid UTF-8. Control characters
// and bytes that are not UTF-8 become '?', spaces at both ends go, and what is longer than `max` bytes is cut
// between two characters and ends in "...".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace liveswap::wire {

[[nodiscard]] std::string printable_text(std::string_view text, std::size_t max);

}  // namespace liveswap::wire
