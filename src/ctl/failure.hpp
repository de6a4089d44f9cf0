// Why a command of liveswapctl ended otherwise than with status 0, whoever found out: the client or the
// master.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/tables.hpp"
#include "wire/varlink.hpp"

namespace liveswap::ctl {

inline constexpr int kStatusDone = 0;
inline constexpr int kStatusFailed = 1;
inline constexpr int kStatusUsage = 2;
inline constexpr int kStatusNoMaster = 3;
inline constexpr int kStatusDenied = 4;
inline constexpr int kStatusTimedOut = 5;
inline constexpr int kStatusInterrupted = 130;  // as a shell has it for SIGINT

struct Failure {
  int status = kStatusFailed;
  core::Result result = core::Result::failed;
  core::Reason reason = core::Reason::none;
  std::string text;  // may have several lines
};

}  // namespace liveswap::ctl
