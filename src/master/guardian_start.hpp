// How a master comes to have a guardian (src/DESIGN.md, "The guardian"): liveswap becomes one, which then runs liveswap
// again; or, where it has died alone, the master starts another.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

// The programs that a guardian is made of, open, so that a package's upgrade changes nothing under it.
struct GuardianPrograms {
  os::OwnedFd guardian;
  os::OwnedFd master;  // this one
  std::vector<std::string> arguments;  // of this process, from its name on; those of the masters that it starts
};

// The error is a sentence's end: "liveswap-guardian is not there; tried …".
[[nodiscard]] os::Result<GuardianPrograms> open_guardian_programs(std::span<char* const> arguments);

// Executes the guardian in this process's place. Comes back only with an error, and then nothing has changed.
[[nodiscard]] os::Error become_guardian(const GuardianPrograms& programs);

// The descriptor that this process's guardian has given it, close-on-exec from now on; none where it has none. Takes
// the variable that says so out of the environment.
[[nodiscard]] std::optional<os::OwnedFd> take_guardian_channel();
// Whether the guardian has systemd's NOTIFY_SOCKET. Takes that variable, too.
[[nodiscard]] bool take_guardian_notifies();

struct ChildGuardian {
  pid_t pid = 0;
  os::OwnedFd pidfd;
  os::OwnedFd channel;  // this end
};
// How a process goes on as another binary of liveswap, in place.
struct InPlace {
  os::FdRef channel;  // to its guardian
  pid_t guardian = 0;
  bool notifies = false;
};
// Comes back only with an error, and then nothing has changed.
[[nodiscard]] os::Error go_on_as(os::FdRef binary, const std::vector<std::string>& arguments, const InPlace& process);
// The pid of the guardian, where this process was a master's of another binary just before; 0: it was not. Takes the
// variable that says so out of the environment.
[[nodiscard]] pid_t take_guardian_of_before();

// One that keeps copies for this process, and follows it if it dies.
[[nodiscard]] os::Result<ChildGuardian> start_guardian_below(const GuardianPrograms& programs);

}  // namespace liveswap::master
