// Starting a program without copying our memory (posix_spawn shares it until the exec). The child gets
// exactly the descriptors that are mapped (all others of ours are close-on-exec), all signals at their
// default and none blocked (but glibc leaves its own two, 32 and 33, ignored, which liveswap-launch puts
// right). Everything else that a child may need set up is liveswap-launch's work.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

struct FdMapping {
  FdRef ours;
  int number_in_child = -1;
};

struct SpawnRequest {
  FdRef executable;  // run by its descriptor (through /proc/self/fd), so a replaced file changes nothing; or:
  std::string path;  // absolute or relative to our directory; used where executable is not valid
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // NAME=value
  std::vector<FdMapping> fds;            // numbers may cross over (3 to 4 and 4 to 3) or stay the same
};

struct SpawnedProcess {
  pid_t pid = -1;
  OwnedFd pidfd;
};

// A program that cannot be executed is an error here, and leaves no child. Borrows all descriptors.
[[nodiscard]] Result<SpawnedProcess> spawn(const SpawnRequest& request);

}  // namespace liveswap::os
