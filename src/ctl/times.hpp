// Times of the control interface (RFC 3339, UTC) as people read them, in their own time zone.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace liveswap::ctl {

using WallTime = std::chrono::system_clock::time_point;

std::optional<WallTime> parse_time(std::string_view rfc3339);

// One unit: "3d", "2h", "41m", "12s"; "0s" for what has not come yet.
std::string age(WallTime since, WallTime now);

// One or two units with a fraction of a second: "1.4s", "12s", "2m3s".
std::string took(WallTime begun, WallTime ended);

// "14:32" on the same day as `now`, else "Jan 31 14:32".
std::string clock(WallTime time, WallTime now);

// "2026-01-31 14:32:05"
std::string date_and_clock(WallTime time);

}  // namespace liveswap::ctl
