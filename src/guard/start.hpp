// Starts a master: the program that the guardian was given, by its descriptor, in a session of its own.
#pragma once

#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

namespace liveswap::guard {

// What the guardian has found at its start, and a master is to find.
struct Inheritance {
  char** arguments = nullptr;
  char** environment = nullptr;  // without the guardian's own variables
  bool notifies = false;         // somebody waits at NOTIFY_SOCKET
  sigset_t signals{};            // that were blocked
  rlimit descriptors{};
  int oom_score = 0;  // oom_score_adj
};

// This process is not what the kernel should kill when memory is short, where it may say so. What it was before.
int lower_oom_score();


// The pid, and the guardian's end of the channel; or -1 and errno.
struct Started {
  pid_t pid = -1;
  int channel = -1;  // owned by the caller
};
[[nodiscard]] Started start_master(int program, const Inheritance& inheritance);

}  // namespace liveswap::guard
