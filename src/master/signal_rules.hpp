// What a signal to the master means: a pure decision; Master reads the signals and acts.
#pragma once

#include <map>
#include <optional>

#include "core/time.hpp"

namespace liveswap::master {

// A second INT counts as "at once" only this long after the first, so that a nervous double press is one.
inline constexpr core::Duration kSecondInterruptAfter = std::chrono::seconds(1);

// One that was sent to the guardian and to the master, as to a whole process group or control group, is one.
inline constexpr core::Duration kSameSignalWithin = std::chrono::milliseconds(250);

enum class SignalWay { direct, forwarded };

struct SignalSender {
  SignalWay way = SignalWay::direct;
  bool from_our_own = false;  // a worker, or a process that one started
};

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
  // Programs made to replace themselves signal their parent when they are ready; for us that must not be an order.
  SignalMeaning meaning_of(int signo, const SignalSender& sender, core::Time now);

 private:
  struct Seen {
    SignalWay way;
    core::Time at;
  };
  [[nodiscard]] bool came_the_other_way(int signo, SignalWay way, core::Time now);

  std::map<int, Seen> seen_;
  std::optional<core::Time> first_interrupt_;
};

}  // namespace liveswap::master
