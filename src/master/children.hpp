// The master's children that are known by name: main processes of workers, commands. Everything else that becomes a
// child of the master is an orphan that some worker has left (the master is a subreaper), and is only reaped.
//
// Owned by Workers. A known child's handler is called when it has ended and must reap it; it may forget itself and
// others, and remember new ones.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>

#include "loop/deferred.hpp"
#include "loop/loop.hpp"

namespace liveswap::master {

class Children {
 public:
  explicit Children(loop::Loop& loop) : more_(loop, [this] { reap(); }) {}

  void remember(pid_t pid, std::function<void()> ended) { known_.insert_or_assign(pid, std::move(ended)); }
  void forget(pid_t pid) { known_.erase(pid); }
  [[nodiscard]] bool knows(pid_t pid) const { return known_.contains(pid); }

  // Some child has ended (SIGCHLD): reaps orphans and calls the handlers of known children. Very many are taken in
  // several turns of the loop.
  void reap();

 private:
  std::map<pid_t, std::function<void()>> known_;
  loop::Deferred more_;
};

}  // namespace liveswap::master
