// The launcher's steps: one function for each row of steps.def. Each does one thing that the plan asks for,
// or nothing where the plan does not ask for it.
#pragma once

#include <cstdint>
#include <string_view>

#include "launch/channel_link.hpp"
#include "launch/text_buffer.hpp"
#include "wire/launch_plan.hpp"

namespace liveswap::launch {

// What the steps work on; lives on run()'s stack.
struct Launch {
  const wire::LaunchPlanView& plan;
  Received& received;
  ChannelLink& channel;
  std::uint64_t files_soft;  // RLIMIT_NOFILE as the master set it; the launcher raises its own for a while
  std::uint64_t files_hard;
  TextBuffer& scratch;  // for objects of failures, which must live until they are sent
};

struct Step {
  std::string_view text;
  Failure (*run)(Launch& launch);
};

#define LAUNCH_STEP(function, text) Failure function(Launch& launch);
#include "launch/steps.def"
#undef LAUNCH_STEP

}  // namespace liveswap::launch
