#include "master/wall_time.hpp"

#include <fmt/format.h>

#include <chrono>
#include <ctime>

namespace liveswap::master {

std::string rfc3339(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(whole);
  const std::time_t clock = seconds.count();
  std::tm utc{};
  ::gmtime_r(&clock, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, (whole - seconds).count());
}

}  // namespace liveswap::master
