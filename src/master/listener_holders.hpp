// Who holds an app's listeners though he belongs to no living worker: a grandchild that got away with a copy, say. As
// long as it lives, clients can end up with it, and the address stays taken when the master is gone.
//
// look() walks over all processes, in slices with pauses between them, and looks at each one's descriptors; whoever is
// found is asked about once more at the end, when it is known who belongs to the workers that live then. Where the
// master may not look into a process, it says how many there were. Owned by Master.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/bound_socket.hpp"
#include "os/descriptor_walk.hpp"

namespace liveswap::master {

struct ListenerHolder {
  pid_t pid = 0;
  std::string comm;                  // the program's name
  std::set<std::string> listeners;
};

struct HoldersFound {
  core::AppId app;
  std::vector<ListenerHolder> holders;
  std::size_t looked_into = 0;  // processes
  std::size_t refused = 0;      // processes that may not be looked into
};

class ListenerHolders {
 public:
  struct Handlers {
    std::function<bool(pid_t)> is_main;              // the main process of a worker: cheap to ask
    std::function<std::set<pid_t>()> living;         // all processes of all workers
    std::function<void(const HoldersFound&)> found;  // at the end of each look, from the loop
  };

  ListenerHolders(loop::Loop& loop, Handlers handlers)
      : loop_(loop), handlers_(std::move(handlers)), timer_(loop, [this] { slice(); }) {}

  // `sockets`: what nobody else may have. One look is made after the other; one for the same app that has not begun yet
  // is replaced.
  void look(core::AppId app, std::span<const BoundSocket> sockets);

 private:
  using Inodes = std::map<std::uint64_t, std::string>;  // of sockets, and their listeners' names
  struct Candidate {
    pid_t pid = 0;
    int number = -1;  // of the descriptor
    std::uint64_t inode = 0;
  };
  struct Look {
    HoldersFound result;
    Inodes inodes;
    std::vector<pid_t> processes;  // that are left, the next one last
    pid_t pid = 0;                 // that is walked over
    std::optional<os::DescriptorWalk> walk{};
    std::vector<Candidate> candidates{};
  };

  void slice();
  [[nodiscard]] static bool step(Look& look);
  static void open_next(Look& look);
  void finish(Look look);

  loop::Loop& loop_;
  Handlers handlers_;
  std::deque<Look> looks_;  // the first one has begun
  loop::Timer timer_;
};

}  // namespace liveswap::master
