// Starting a program without copying our memory: the child shares it until its exec, while we wait (vfork's way). It
// gets exactly the descriptors that are mapped; all others of ours are close-on-exec. Everything else that a child may
// need set up is liveswap-launch's work.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/spawn_numbers.hpp"

namespace liveswap::os {

struct FdMapping {
  FdRef ours;
  int number_in_child = -1;
};

// How the program meets its signals.
enum class Signals {
  at_default,  // none ignored, none blocked
  untouched,   // those that we ignore are ignored, and all are blocked: for one that puts both right by itself
};

struct SpawnRequest {
  FdRef executable;  // run by its descriptor, so a replaced file changes nothing; or:
  std::string path;  // absolute or relative to our directory; used where executable is not valid
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // NAME=value
  std::vector<FdMapping> fds;            // numbers may cross over (3 to 4 and 4 to 3) or stay the same
  Signals signals = Signals::at_default;
  SpawnNumbers* numbers = nullptr;  // for a process with many descriptors open; above all numbers in the child
};

struct SpawnedProcess {
  pid_t pid = -1;
  OwnedFd pidfd;
};

// A program that cannot be executed is an error here, and leaves no child. Borrows all descriptors.
[[nodiscard]] Result<SpawnedProcess> spawn(const SpawnRequest& request);

}  // namespace liveswap::os
