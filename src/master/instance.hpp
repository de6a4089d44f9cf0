// The running master's claim to its name: its directories, and the lock that makes it the only one.
//
// Owned by Master. Given back by the kernel when the process ends, however it ends.
#pragma once

#include <expected>
#include <string>

#include "config/directories.hpp"
#include "core/plan.hpp"
#include "master/control_link.hpp"
#include "os/fd.hpp"
#include "os/lockfile.hpp"

namespace liveswap::master {

struct Instance {
  std::string runtime_dir;     // absolute, there, and ours
  std::string state_dir;       // where it would be; "" for none
  std::string control_socket;  // absolute
  os::OwnedFd runtime_fd;      // of runtime_dir
  os::LockFile lock;
  ControlLink link;            // gone before the lock is given back
};

// `lock`: that an earlier master has left, and which is the lock still; not valid: it is taken. The error is one
// sentence: what is wrong with which directory, or the pid of the master that has the name.
[[nodiscard]] std::expected<Instance, std::string> claim_instance(const core::MasterPlan& plan,
                                                                  const config::Surroundings& surroundings,
                                                                  os::OwnedFd lock = {});

}  // namespace liveswap::master
