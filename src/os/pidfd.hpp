// Processes by pidfd. A pidfd names one process for good: it is never another one's after the pid is used
// again, it survives adoption by a subreaper and an exec of the holder, and it becomes readable when
// the process has ended. Open it before anybody can reap the child (spawn() does).
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

struct ExitStatus {
  // unknown: it has ended, but it was no child of ours and the kernel does not tell how
  enum class Kind { exited, signaled, unknown };

  Kind kind = Kind::unknown;
  int code = 0;       // the exit status or the signal
  bool core = false;  // a core was dumped

  // "exited with status 1", "killed by SIGSEGV (core dumped)", "ended"
  [[nodiscard]] std::string text() const;
  bool operator==(const ExitStatus&) const = default;
};

[[nodiscard]] Result<OwnedFd> pidfd_open(pid_t pid);

// Of who connected this Unix socket, whose number is `pid`. Before Linux 6.5 it is opened by the number.
[[nodiscard]] Result<OwnedFd> peer_pidfd(FdRef socket, pid_t pid);

// ESRCH: it has ended (and may already be reaped).
[[nodiscard]] Result<void> pidfd_send_signal(FdRef pidfd, int signal);

// nullopt: it still runs. A child that has ended is reaped. For others the kernel is asked how it ended,
// which it tells since Linux 6.15 once their parent has reaped them; otherwise the kind is unknown.
[[nodiscard]] Result<std::optional<ExitStatus>> wait_pidfd(FdRef pidfd);

// The pid of some child that has ended and waits to be reaped, left as it is, or nullopt. It answers
// with the same child until that one is reaped: whoever knows it by pidfd, or else reap().
[[nodiscard]] Result<std::optional<pid_t>> peek_ended_child();

// Reaps this child if it has ended; nullopt if it runs or is no child of ours.
[[nodiscard]] Result<std::optional<ExitStatus>> reap(pid_t pid);

// A duplicate of the process's descriptor `number` (Linux 5.6). Needs the right to trace it.
[[nodiscard]] Result<OwnedFd> fetch_descriptor(FdRef pidfd, int number);

// From now on descendants whose parent dies become children of this process.
[[nodiscard]] Result<void> set_child_subreaper();

}  // namespace liveswap::os
