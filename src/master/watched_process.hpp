// One process that the master waits for: known to Children, held by pidfd, watched by the loop. One that an earlier
// master has started is no child: how it ended is told by the guardian, or not known. Owned by whoever is
// interested in its end. Destroyed before that, it leaves the process to Children, which reap it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <utility>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/children.hpp"
#include "master/worker_keeper.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/pidfd.hpp"

namespace liveswap::master {

class WatchedProcess {
 public:
  using Ended = std::function<void(const os::ExitStatus&)>;

  // `ended` is called once, from the loop, after the process was reaped; it may destroy this.
  [[nodiscard]] static os::Result<std::unique_ptr<WatchedProcess>> open(loop::Loop& loop, Children& children, pid_t pid,
                                                                        os::OwnedFd pidfd, Ended ended,
                                                                        KeptPart kept = {});
  [[nodiscard]] std::uint32_t number() const { return kept_.number; }  // of its pidfd, for the next master
  ~WatchedProcess();
  WatchedProcess(const WatchedProcess&) = delete;
  WatchedProcess& operator=(const WatchedProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] os::FdRef pidfd() const { return pidfd_; }
  // The guardian is its parent, and will tell how it ended.
  void wait_for_guardian() { is_guardians_ = true; }
  void signal(int signo) const { (void)os::pidfd_send_signal(pidfd_, signo); }  // ESRCH: it has just ended

 private:
  WatchedProcess(loop::Loop& loop, Children& children, pid_t pid, os::OwnedFd pidfd, Ended ended, KeptPart kept);
  void look();
  void end(const os::ExitStatus& status);

  Children& children_;
  pid_t pid_;
  os::OwnedFd pidfd_;
  KeptPart kept_;
  Ended ended_;
  bool is_guardians_ = false;
  std::unique_ptr<loop::FdWatch> watch_;
  loop::Timer patience_;  // with whoever has reaped it
};

}  // namespace liveswap::master
