// One process that the master waits for: known to Children, held by pidfd, watched by the loop. Owned by whoever is
// interested in its end. Destroyed before that, it leaves the process to Children, which reap it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <utility>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "master/children.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/pidfd.hpp"

namespace liveswap::master {

class WatchedProcess {
 public:
  using Ended = std::function<void(const os::ExitStatus&)>;

  // `ended` is called once, from the loop, after the process was reaped; it may destroy this.
  [[nodiscard]] static os::Result<std::unique_ptr<WatchedProcess>> open(loop::Loop& loop, Children& children, pid_t pid,
                                                                        os::OwnedFd pidfd, Ended ended);
  ~WatchedProcess();
  WatchedProcess(const WatchedProcess&) = delete;
  WatchedProcess& operator=(const WatchedProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] os::FdRef pidfd() const { return pidfd_; }
  void signal(int signo) const { (void)os::pidfd_send_signal(pidfd_, signo); }  // ESRCH: it has just ended

 private:
  WatchedProcess(Children& children, pid_t pid, os::OwnedFd pidfd, Ended ended)
      : children_(children), pid_(pid), pidfd_(std::move(pidfd)), ended_(std::move(ended)) {}
  void look();

  Children& children_;
  pid_t pid_;
  os::OwnedFd pidfd_;
  Ended ended_;
  std::unique_ptr<loop::FdWatch> watch_;
};

}  // namespace liveswap::master
