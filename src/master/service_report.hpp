// What the service manager is told of how the master does, sd_notify(3): that it is ready, what it is about, that it
// may take longer to start or to end than the unit says, and that it is alive.
//
// Owned by Master; one thread. Where nobody listens it does nothing.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/action.hpp"
#include "core/plan.hpp"
#include "core/snapshot.hpp"
#include "core/time.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "os/error.hpp"
#include "wire/guard_messages.hpp"

namespace liveswap::master {

class ServiceReport {
 public:
  using Notification = wire::guard::Notify;
  struct Setup {
    std::function<os::Result<void>(const Notification&)> send;  // none: nobody listens
    std::function<core::Snapshot()> snapshot;
    std::function<void(std::string_view text)> problem;
    std::optional<core::Duration> watchdog;  // the service manager wants to hear something that often
  };

  ServiceReport(loop::Loop& loop, const core::MasterPlan& plan, Setup setup);

  // The master begins, or goes on where another one was.
  void begin();
  void note(const core::Note& note);

  // Once in the life of a service, whichever master it was.
  [[nodiscard]] bool said_ready() const { return said_ready_; }
  void set_said_ready(bool said) { said_ready_ = said; }

 private:
  void send(const Notification& what);
  void extend(core::Duration time);
  void tell_status(const core::Snapshot& snapshot);
  void ping();

  const core::MasterPlan& plan_;
  Setup setup_;
  loop::Timer watchdog_;
  bool said_ready_ = false;
  std::string status_;
};

// "web g3 4/4 ready, api starting": on one line, and no longer than fits.
[[nodiscard]] std::string service_status(const core::Snapshot& snapshot);

// By WATCHDOG_USEC and WATCHDOG_PID: whether the service manager waits for this process, or for its guardian.
[[nodiscard]] std::optional<core::Duration> watchdog_of(const char* usec, const char* pid, pid_t own, pid_t guardian);

}  // namespace liveswap::master
