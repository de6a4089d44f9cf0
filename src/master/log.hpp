// The master's own log: one line a message, as text or as JSON, to whatever writes lines (output.hpp).
//
// Owned by Master; not thread-safe. Text lines read "liveswap: web/2 g3: ready"; no time stamps, since whoever
// collects a service's stderr adds them. JSON lines carry time (RFC 3339, UTC), level, subject and message.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/plan.hpp"

namespace liveswap::master {

class Log {
 public:
  using WriteLine = std::function<void(std::string_view line)>;  // without its newline

  Log(core::LogLevel level, core::LogFormat format, WriteLine write)
      : level_(level), format_(format), write_(std::move(write)) {}

  // `subject`: whom it is about ("web/2 g3", "listener http"); "" for the master itself.
  void tell(core::LogLevel level, std::string_view subject, std::string_view message) const;

  void error(std::string_view message) const { tell(core::LogLevel::error, "", message); }
  void warn(std::string_view message) const { tell(core::LogLevel::warn, "", message); }
  void info(std::string_view message) const { tell(core::LogLevel::info, "", message); }
  void debug(std::string_view message) const { tell(core::LogLevel::debug, "", message); }

 private:
  core::LogLevel level_;
  core::LogFormat format_;
  WriteLine write_;
};

// "2026-01-31T23:59:59.123Z", of now.
std::string wall_clock_now();

}  // namespace liveswap::master
