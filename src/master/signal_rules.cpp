#include "master/signal_rules.hpp"

#include <signal.h>

namespace liveswap::master {

// Each of the two is the other's only once.
bool SignalRules::came_the_other_way(int signo, SignalWay way, core::Time now) {
  const auto seen = seen_.find(signo);
  if (seen != seen_.end() && seen->second.way != way && now - seen->second.at <= kSameSignalWithin) {
    seen_.erase(seen);
    return true;
  }
  seen_.insert_or_assign(signo, Seen{way, now});
  return false;
}

SignalMeaning SignalRules::meaning_of(int signo, const SignalSender& sender, core::Time now) {
  if (signo == SIGCHLD) return SignalMeaning::reap;
  if (sender.from_our_own) return SignalMeaning::ignored;
  if (came_the_other_way(signo, sender.way, now)) return SignalMeaning::nothing;
  switch (signo) {
    case SIGTERM:
    case SIGQUIT: return SignalMeaning::shut_down;
    case SIGINT:
      if (first_interrupt_ && now - *first_interrupt_ >= kSecondInterruptAfter) return SignalMeaning::shut_down_now;
      if (!first_interrupt_) first_interrupt_ = now;
      return SignalMeaning::shut_down;
    case SIGHUP: return SignalMeaning::check_file;
    case SIGUSR1: return SignalMeaning::reopen_logs;
    case SIGUSR2: return SignalMeaning::upgrade_all;
    default: return SignalMeaning::nothing;
  }
}

}  // namespace liveswap::master
