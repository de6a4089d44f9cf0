// The processes that belong to a worker: all that descend from it, and those whose parents died, which the kernel gives
// to the master because it is a subreaper. The latter are known by the session that the worker began with, or by
// LIVESWAP_WORKER in the environment that they were started with; where the worker has a cgroup, by that too, which
// nobody leaves who changes his session and his environment.
//
// Nothing is remembered here: /proc is asked each time, and only about the worker's own processes and the master's
// children. A process that is found is held by pidfd and was looked at after the pidfd was opened, so that a pid which
// was used again can never be meant.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "os/cgroup.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

struct WorkerTree {
  std::vector<pid_t> roots;  // that are alive and held by the caller: the main process and what else it knows
  pid_t session = 0;         // that the worker was started in; 0: none of its own
  std::string mark;          // its LIVESWAP_WORKER
  pid_t guardian = 0;        // to whom orphans of earlier masters' workers come; 0: there is none
  const os::Cgroup* cgroup = nullptr;  // its own; none where cgroups are not ours to make
};

struct TreeMember {
  pid_t pid = 0;
  os::OwnedFd pidfd;
};

// Whether a child of the master is known to be something by itself (the main process of a worker, a command), and so
// cannot be an orphan of this tree.
using IsKnownChild = std::function<bool(pid_t)>;

// Who belongs to the tree and has not ended, without the roots. Who is born meanwhile may be missing.
[[nodiscard]] std::vector<TreeMember> find_members(const WorkerTree& tree, const IsKnownChild& is_known);

// Sends the signal to everybody in the tree, roots left out, once each. Asks again until nobody new is found, since a
// process can have had children before its signal came.
void signal_members(const WorkerTree& tree, const IsKnownChild& is_known, int signo);

}  // namespace liveswap::master
