// The processes that a worker left behind when its main process ended, watched until the last has gone. Owned by the
// worker's process. Nothing is polled: one of them after the other is waited for, and /proc is asked again when those
// that were known have ended, since they can have had children.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "master/worker_tree.hpp"
#include "os/error.hpp"

namespace liveswap::master {

class Leftovers {
 public:
  using Find = std::function<std::vector<TreeMember>()>;

  // `gone` is called once, from the loop, and may destroy this.
  Leftovers(loop::Loop& loop, Find find, std::function<void()> gone)
      : loop_(loop), find_(std::move(find)), gone_(std::move(gone)) {}

  // Whether there are any; if so, they are watched from now on.
  bool look();

 private:
  void on_ended();
  void watch_next();

  loop::Loop& loop_;
  Find find_;
  std::function<void()> gone_;
  std::vector<TreeMember> members_;       // those that are waited for one after the other
  std::unique_ptr<loop::FdWatch> watch_;  // of the last of them
};

}  // namespace liveswap::master
