// JSON from and for strangers: parsed without exceptions within fixed bounds, written with invalid UTF-8
// replaced.
//
// Objects keep the order in which their members were added, so that what people read has the name first. A
// header that only passes JSON on includes this one; the library's own long header is included by the few
// sources that look inside a value.
#pragma once

#include <cstddef>
#include <expected>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "wire/format_error.hpp"

namespace liveswap::wire {

using Json = nlohmann::ordered_json;

inline constexpr std::size_t kMaxJsonBytes = 1 << 20;
inline constexpr std::size_t kMaxJsonDepth = 64;
// A value costs some 50 bytes of memory, whatever little it costs to send: 1 MiB of `[],` would become 20.
inline constexpr std::size_t kMaxJsonValues = 65536;
// Adding a member to an object looks at all that it has, so a long object costs the square of its length.
inline constexpr std::size_t kMaxJsonMembers = 1024;

[[nodiscard]] std::expected<Json, FormatError> parse_json(std::string_view text);

// On one line.
[[nodiscard]] std::string dump_json(const Json& value);

}  // namespace liveswap::wire
