// Why bytes or values could not be decoded or encoded: one clause for people, without a full stop. It is a
// literal, so that formats which the static launcher compiles in need no allocation.
#pragma once

#include <string_view>

namespace liveswap::wire {

struct FormatError {
  std::string_view reason;

  bool operator==(const FormatError&) const = default;
};

}  // namespace liveswap::wire
