// Starts processes by liveswap-launch, which sets up in the child what must be set up there and then executes
// the program. Owned by Master; everything that runs with an app's user, directory and limits is started
// here.
//
// Nothing waits: plan and descriptors are put into the channel before the launcher is started, and what becomes of them
// is read from the channel later. Without Go the launcher executes nothing, and leaves when the channel closes.
#pragma once

#include <sys/types.h>

#include <span>
#include <utility>

#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/spawn_numbers.hpp"
#include "wire/launch_plan.hpp"

namespace liveswap::master {

struct StandardStreams {
  os::FdRef out;
  os::FdRef err;
};

struct LaunchedProcess {
  pid_t pid = 0;
  os::OwnedFd pidfd;
  os::OwnedFd channel;  // the master's end
};

class Launcher {
 public:
  // `program`: the launcher, open; it is run by this descriptor, whatever becomes of its path.
  [[nodiscard]] static os::Result<Launcher> open(os::OwnedFd program);

  [[nodiscard]] os::FdRef program() const { return program_; }

  enum class When { at_once, when_told };  // the latter: by Go on the channel (WorkerChannel::let_go)

  // Borrows the descriptors, which the plan counts from 0. Standard input is /dev/null. An error leaves no process.
  [[nodiscard]] os::Result<LaunchedProcess> start(const wire::LaunchPlan& plan, std::span<const os::FdRef> descriptors,
                                                  const StandardStreams& streams, When when = When::at_once);

 private:
  Launcher(os::OwnedFd program, os::OwnedFd null, os::SpawnNumbers numbers)
      : program_(std::move(program)), null_(std::move(null)), numbers_(std::move(numbers)) {}

  os::OwnedFd program_;
  os::OwnedFd null_;
  os::SpawnNumbers numbers_;
};

}  // namespace liveswap::master
