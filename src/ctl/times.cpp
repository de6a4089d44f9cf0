#include "ctl/times.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <ctime>

namespace liveswap::ctl {

namespace {

constexpr int kLastYear = 2261;  // the last whole one that WallTime's nanoseconds can hold

// A number of exactly this place and length.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t length) {
  if (at + length > text.size()) return std::nullopt;
  int number = 0;
  const char* begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + length, number);
  if (error != std::errc{} || end != begin + length || number < 0) return std::nullopt;
  return number;
}

std::tm local(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm out{};
  ::localtime_r(&seconds, &out);
  return out;
}

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::optional<WallTime> parse_time(std::string_view text) {
  // 2026-01-31T23:59:59.123Z
  if (text.size() != 24 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text[19] != '.' || text[23] != 'Z') {
    return std::nullopt;
  }
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  const auto ms = digits(text, 20, 3);
  if (!year || !month || !day || !hour || !minute || !second || !ms) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *year < 1970 || *year > kLastYear) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) + std::chrono::milliseconds(*ms);
}

std::string age(WallTime since, WallTime now) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - since).count();
  if (seconds < 0) return "0s";
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

std::string took(WallTime begun, WallTime ended) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(ended - begun).count();
  if (ms < 0) return "0s";
  if (ms < 10'000) return fmt::format("{}.{}s", ms / 1000, ms % 1000 / 100);
  const auto seconds = ms / 1000;
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3600) return fmt::format("{}m{}s", seconds / 60, seconds % 60);
  return fmt::format("{}h{}m", seconds / 3600, seconds % 3600 / 60);
}

std::string clock(WallTime time, WallTime now) {
  const std::tm then = local(time);
  const std::tm today = local(now);
  const std::string hours = fmt::format("{:02}:{:02}", then.tm_hour, then.tm_min);
  if (then.tm_yday == today.tm_yday && then.tm_year == today.tm_year) return hours;
  return fmt::format("{} {} {}", kMonths[static_cast<std::size_t>(then.tm_mon)], then.tm_mday, hours);
}

std::string date_and_clock(WallTime time) {
  const std::tm then = local(time);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", then.tm_year + 1900, then.tm_mon + 1,
                     then.tm_mday, then.tm_hour, then.tm_min, then.tm_sec);
}

}  // namespace liveswap::ctl
