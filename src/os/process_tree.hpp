// Who descends from whom, by /proc. A process that is born or dies meanwhile can be missed, so whoever wants
// to end a whole tree asks again until nobody is left. A descendant whose parent died belongs to the
// subreaper and is no longer found below the process that started it.
#pragma once

#include <sys/types.h>

#include <vector>

#include "os/error.hpp"

namespace liveswap::os {

// Every process of the system that /proc shows.
[[nodiscard]] Result<std::vector<pid_t>> all_processes();

// The children of a process, those that have ended but are not reaped included.
[[nodiscard]] Result<std::vector<pid_t>> children_of(pid_t pid);

// Its children, their children and so on; parents come before their children.
[[nodiscard]] Result<std::vector<pid_t>> descendants_of(pid_t pid);

// The same by one walk over all processes; the others do so where the kernel has no
// /proc/PID/task/TID/children.
[[nodiscard]] Result<std::vector<pid_t>> descendants_by_scan(pid_t pid);

}  // namespace liveswap::os
