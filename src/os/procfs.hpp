// What /proc tells about one process. A pid may be another process's by the time the answer is read: whoever
// keeps a pid compares the start time, or reads again after having opened a pidfd. Command line and
// environment of a process are empty for a moment while it executes a program, also just after spawn() has
// returned.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/error.hpp"

namespace liveswap::os {

struct ProcessStat {
  pid_t pid = 0;
  std::string comm;  // the program's name, at most 15 bytes, as it likes: it can hold spaces and ')'
  char state = '?';  // R running, S sleeping, D waiting for a disk, T stopped, Z ended but not reaped
  pid_t ppid = 0;
  pid_t process_group = 0;
  pid_t session = 0;
  std::uint64_t start_time =
      0;  // in clock ticks since the boot; with the boot id it names a process for good
};

[[nodiscard]] std::optional<ProcessStat> parse_process_stat(std::string_view text);
[[nodiscard]] Result<ProcessStat> read_process_stat(pid_t pid);

// The command line; empty for a kernel thread or a process that has ended but is not reaped.
[[nodiscard]] Result<std::vector<std::string>> read_cmdline(pid_t pid);

// Whether it is in the network namespace of this process; false where that cannot be told.
[[nodiscard]] bool shares_network(pid_t pid);

// The value that the process was started with for this environment variable. Needs the right to trace it.
[[nodiscard]] Result<std::optional<std::string>> read_environ(pid_t pid, std::string_view variable);

// The real uid.
[[nodiscard]] Result<uid_t> process_uid(pid_t pid);

// How many descriptors the process has open: told in a microsecond since Linux 6.2, before that by listing them. Needs
// the right to trace it.
[[nodiscard]] Result<std::size_t> count_open_fds(pid_t pid);

// A random number that the kernel chose when it booted, as 36 characters.
[[nodiscard]] Result<std::string> boot_id();

}  // namespace liveswap::os
