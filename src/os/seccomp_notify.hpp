// A seccomp notifier: system calls of other processes that wait until they are answered here (seccomp_unotify(2)). The
// filter behind it is the launcher's, and the calls are those of os/trapped_calls.hpp.
//
//   fd() readable ──▶ receive() ──▶ look at the caller (os/remote_process.hpp), still_waits()?
//                                                                      ──▶ answer() or go_on()
//
// What the caller's memory says can be changed by its other threads after it was read. So go_on() is no permission to
// do what was seen, and what matters is done here, on what was read. A signal can interrupt a call before it was
// received (and on Linux before 5.19 also afterwards); it then comes again under another id. A call that was received
// has to be answered by this process: nobody else with the notifier receives it again.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

struct TrappedCall {
  // other: what only the kernel can judge, and so is to go on: a caller's memory that cannot be read, an unknown call
  enum class Kind : std::uint8_t { bind, listen, unlink, rename, io_uring_setup, other };

  std::uint64_t id = 0;
  pid_t thread = 0;  // that calls, not its process; 0: one in a pid namespace that is not below ours
  Kind kind = Kind::other;
  int descriptor = -1;        // bind, listen; unlink, rename: the directory of `path`, AT_FDCWD where none was given
  std::uint64_t address = 0;  // bind: of the socket address in the caller's memory
  std::uint32_t length = 0;   // bind: that it has, as the caller says; can be anything
  int backlog = 0;            // listen
  std::uint64_t path = 0;     // unlink, rename: of the (old) path in the caller's memory
  std::uint64_t target = 0;   // rename: of the new path
  int target_directory = -1;  // rename: as `descriptor`
  std::uint32_t flags = 0;    // unlinkat: AT_REMOVEDIR; renameat2: RENAME_
  bool operator==(const TrappedCall&) const = default;
};

class SeccompNotifier {
 public:
  // Fails with ENOTTY where the descriptor is something else.
  [[nodiscard]] static Result<SeccompNotifier> adopt(OwnedFd fd);

  // Readable when a call waits. POLLHUP: the last process with the filter has ended (and is reaped, on older kernels).
  [[nodiscard]] FdRef fd() const { return fd_; }

  // Never blocks. nullopt: none waits, or the one that did went away. ESRCH: the last process with the filter has
  // ended, so none will come; who watches fd() any longer is called again and again.
  [[nodiscard]] Result<std::optional<TrappedCall>> receive();

  // Asked after the caller's memory or files were read, before they are believed: its number could be another's.
  [[nodiscard]] bool still_waits(std::uint64_t id) const;

  // These fail with ENOENT where the call has gone away meanwhile.
  [[nodiscard]] Result<void> answer(std::uint64_t id, int error);  // 0: the call returns 0; else it fails with that
  [[nodiscard]] Result<void> go_on(std::uint64_t id);              // the kernel does it, with what it then finds

  // Replaces what the caller's descriptor `number` is open on; the call still waits afterwards.
  [[nodiscard]] Result<void> put_descriptor(std::uint64_t id, FdRef source, int number, bool close_on_exec);

 private:
  SeccompNotifier(OwnedFd fd, std::size_t call_size, std::size_t answer_size)
      : fd_(std::move(fd)), call_(call_size), answer_(answer_size) {}

  OwnedFd fd_;
  std::vector<std::byte> call_;  // as large as the kernel's own structures, which can grow
  std::vector<std::byte> answer_;
};

}  // namespace liveswap::os
