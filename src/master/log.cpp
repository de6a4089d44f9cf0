#include "master/log.hpp"

#include <fmt/format.h>
#include <time.h>

#include <nlohmann/json.hpp>

namespace liveswap::master {

namespace {

std::string json_line(core::LogLevel level, std::string_view subject, std::string_view message) {
  nlohmann::ordered_json line{{"time", wall_clock_now()}, {"level", name_of(level)}};
  if (!subject.empty()) line["subject"] = subject;
  line["message"] = message;
  return line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// info is what an operator expects to read; only what differs from it is marked.
std::string_view mark_of(core::LogLevel level) {
  switch (level) {
    case core::LogLevel::error: return "error: ";
    case core::LogLevel::warn: return "warning: ";
    case core::LogLevel::debug: return "debug: ";
    default: return "";
  }
}

}  // namespace

void Log::tell(core::LogLevel level, std::string_view subject, std::string_view message) const {
  if (level > level_) return;
  if (format_ == core::LogFormat::json) {
    write_(json_line(level, subject, message));
    return;
  }
  write_(fmt::format("liveswap: {}{}{}{}", mark_of(level), subject, subject.empty() ? "" : ": ", message));
}

std::string wall_clock_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                     utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1'000'000);
}

}  // namespace liveswap::master
