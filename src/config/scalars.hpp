// Single values of the configuration file: text to value, or the reason why not.
//
// A reason continues the name of the key, as in `ready.timeout: "5" is not a duration: …`. The command line
// uses the same functions, so that a duration or a signal is written alike everywhere.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "core/plan.hpp"
#include "core/time.hpp"

namespace liveswap::config {

template <class T>
using Parsed = std::expected<T, std::string>;

struct DurationRule {
  bool zero = true;      // 0s makes sense
  bool infinity = true;  // infinity makes sense
};

// `250ms 5s 2m 1h infinity`, also `1m30s`.
Parsed<core::Duration> parse_duration(std::string_view text, DurationRule rule = {});

// true false yes no on off
Parsed<bool> parse_boolean(std::string_view text);

// TERM, SIGTERM or 15.
Parsed<int> parse_signal(std::string_view text);

// Decimal; `parse_bits`: also hexadecimal, with 0x.
Parsed<std::uint64_t> parse_number(std::string_view text, std::uint64_t min, std::uint64_t max);
Parsed<std::uint64_t> parse_bits(std::string_view text, std::uint64_t max);

// Octal: 660, 0660; at most 0777.
Parsed<std::uint32_t> parse_mode(std::string_view text);

// A number up to kWorkersMax, or 0 to 100 percent.
Parsed<core::Amount> parse_amount(std::string_view text);

// `SOFT:HARD` or one number for both; `infinity` for either.
Parsed<core::Limit> parse_limit(std::string_view name, std::string_view text);

// Names of masters, apps and listeners.
bool is_name(std::string_view text);
Parsed<std::string> parse_name(std::string_view text);

// Names of environment variables.
bool is_variable_name(std::string_view text);

// The index of `text` in `choices`; the reason lists them.
Parsed<std::size_t> parse_choice(std::string_view text, std::span<const std::string_view> choices);

inline constexpr std::uint32_t kWorkersMax = 4096;

}  // namespace liveswap::config
