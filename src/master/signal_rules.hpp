// What a signal to the master means: a pure decision; Master reads the signals and acts.
#pragma once

#include <optional>

#include "core/time.hpp"

namespace liveswap::master {

// A second INT counts as "at once" only this long after the first, so that a nervous double press is one.
inline constexpr core::Duration kSecondInterruptAfter = std::chrono::seconds(1);

enum class SignalMeaning {
  shut_down,
  shut_down_now,
  check_file,   // HUP
  reopen_logs,  // USR1
  upgrade_all,  // USR2
  reap,         // CHLD
  ignored,      // one of our own workers sent it
  nothing,
};

class SignalRules {
 public:
  // `from_our_own`: a worker, or a process that one started, sent it. Programs made to replace themselves signal
  // their parent when they are ready; for us that must not be an order.
  SignalMeaning meaning_of(int signo, bool from_our_own, core::Time now);

 private:
  std::optional<core::Time> first_interrupt_;
};

}  // namespace liveswap::master
