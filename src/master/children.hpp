// The master's children that are known by name: main processes of workers, commands. Each is held by pidfd by whoever
// waits for it, and then by that reaped; what nobody waits for any more is left to us. Where the master is a subreaper,
// everything else that becomes its child is an orphan that some worker has left, and is only reaped: by reap(), which
// nobody may call in a process that has children of its own.
//
// Owned by Workers. A known child's handler is called when it has ended and must reap it; it may forget itself and
// others, and remember new ones.
#pragma once

#include <sys/types.h>

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>

#include "loop/deferred.hpp"
#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "os/fd.hpp"
#include "os/pidfd.hpp"

namespace liveswap::master {

class Children {
 public:
  explicit Children(loop::Loop& loop) : loop_(loop), more_(loop, [this] { reap(); }) {}
  ~Children();  // waits a moment for those that were left: they have been killed
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  void remember(pid_t pid, std::function<void()> ended) { known_.insert_or_assign(pid, std::move(ended)); }
  void forget(pid_t pid) { known_.erase(pid); }
  [[nodiscard]] bool knows(pid_t pid) const { return known_.contains(pid); }

  // How a process has ended that is no child of ours, told by whoever reaped it: before or after we have looked at it.
  void ended_elsewhere(pid_t pid, const os::ExitStatus& status);
  [[nodiscard]] std::optional<os::ExitStatus> take_ended_elsewhere(pid_t pid);

  // A child that nobody waits for any more: it is reaped when it has ended.
  void leave(os::OwnedFd pidfd);

  // Some child has ended (SIGCHLD): reaps orphans and calls the handlers of known children. Very many are taken in
  // several turns of the loop.
  void reap();

 private:
  struct Left {
    os::OwnedFd pidfd;
    std::unique_ptr<loop::FdWatch> watch;  // none could be had: it is looked at when another is
  };
  void reap_left();

  loop::Loop& loop_;
  std::map<pid_t, std::function<void()>> known_;
  std::list<Left> left_;
  std::map<pid_t, os::ExitStatus> elsewhere_;
  loop::Deferred more_;
};

}  // namespace liveswap::master
