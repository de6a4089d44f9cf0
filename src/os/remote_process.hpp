// What another process has in its memory, and with which rights one of its threads acts: for answering a system call in
// its place. A thread's number may be another's by the time the answer is read: whoever asks about one that waits in a
// seccomp notifier asks that afterwards whether it still does.
//
// Needs the right to trace the process: the same user, dumpable, no Yama in the way; or CAP_SYS_PTRACE.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

// As /proc/TID/status has it.
struct ThreadStatus {
  pid_t process = 0;
  uid_t uid = 0;  // real
  uid_t effective_uid = 0;
  uid_t file_uid = 0;  // that files are opened, and sockets are made, with
  gid_t file_gid = 0;
  std::vector<gid_t> groups;               // supplementary
  std::uint64_t effective_capabilities{};  // of its user namespace, which shares_namespace() must be asked about
  mode_t umask = 0;
  bool operator==(const ThreadStatus&) const = default;

  [[nodiscard]] bool has_capability(int number) const;  // CAP_
};

[[nodiscard]] std::optional<ThreadStatus> parse_thread_status(std::string_view text);
[[nodiscard]] Result<ThreadStatus> read_thread_status(pid_t thread);

// The process that the thread is one of; what pidfd_open() takes.
[[nodiscard]] Result<pid_t> process_of(pid_t thread);

// All of it, or EFAULT.
[[nodiscard]] Result<std::vector<std::byte>> read_memory(pid_t thread, std::uint64_t address, std::size_t length);

// Up to the NUL, which is not part of the result. ENAMETOOLONG: it is longer than the kernel lets a path be.
[[nodiscard]] Result<std::string> read_path(pid_t thread, std::uint64_t address);

// Of /proc/TID/ns: "net", "user", "mnt".
[[nodiscard]] Result<bool> shares_namespace(pid_t thread, const char* name);

// Whether an absolute path means to the thread what it means here.
[[nodiscard]] Result<bool> shares_root(pid_t thread);

// The thread's working directory, with O_PATH.
[[nodiscard]] Result<OwnedFd> open_working_directory(pid_t thread);

}  // namespace liveswap::os
