#include "master/signal_rules.hpp"

#include <signal.h>

namespace liveswap::master {

SignalMeaning SignalRules::meaning_of(int signo, bool from_our_own, core::Time now) {
  if (signo == SIGCHLD) return SignalMeaning::reap;
  if (from_our_own) return SignalMeaning::ignored;
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
