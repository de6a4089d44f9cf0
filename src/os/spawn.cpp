#include "os/spawn.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>

namespace liveswap::os {
namespace {

// What the child does between clone and exec, in memory that it shares with us, who wait meanwhile.
struct ChildWork {
  std::span<const FdMapping> fds;  // each one's source has been lifted above all numbers in the child
  int executable = -1;
  const char* path = "";
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  Signals signals = Signals::at_default;
  unsigned first_unneeded = 0;  // the lowest number above all that it needs
  bool shares_table = true;     // of descriptors, until it has taken its own

  bool table_refused = false;
  int number = -1;  // of the descriptor that could not be put in place
  int error = 0;
};

constexpr int kSignals = 64;
constexpr std::size_t kMaskSize = kSignals / 8;

// Straight to the kernel, since libc hides two signals that it uses itself. An all-zero kernel sigaction is SIG_DFL on
// every processor, and an all-zero mask blocks nothing.
void reset_signals() {
  alignas(8) const std::array<std::byte, 64> zeros{};
  for (int signal = 1; signal <= kSignals; ++signal) {
    ::syscall(SYS_rt_sigaction, signal, zeros.data(), nullptr, kMaskSize);  // fails for KILL and STOP
  }
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, zeros.data(), nullptr, kMaskSize);
}

// Nothing but system calls. Sanitizers do not know this stack.
__attribute__((no_sanitize("address", "undefined"))) int run_child(void* shared) {
  auto& work = *static_cast<ChildWork*>(shared);
  // A table of its own, with those descriptors only that it needs.
  if (work.shares_table && ::syscall(SYS_close_range, work.first_unneeded, ~0U, CLOSE_RANGE_UNSHARE) != 0) {
    work.table_refused = true;
    work.error = errno;
    return 1;
  }
  for (const FdMapping& mapping : work.fds) {
    if (::dup3(mapping.ours.get(), mapping.number_in_child, 0) != -1) continue;
    work.error = errno;
    work.number = mapping.number_in_child;
    return 1;
  }
  if (work.signals == Signals::at_default) reset_signals();
  const int flags = work.executable != -1 ? AT_EMPTY_PATH : 0;
  const int directory = work.executable != -1 ? work.executable : AT_FDCWD;
  ::syscall(SYS_execveat, directory, work.path, work.argv, work.environment, flags);
  work.error = errno;
  return 1;
}

// No handler of ours may run in the child, where it would write to our memory.
class AllSignalsBlocked {
 public:
  AllSignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  AllSignalsBlocked(const AllSignalsBlocked&) = delete;
  AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;
  ~AllSignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

// The sources of the child's descriptors, each at a number above all that the child will use. The mappings are made
// one after the other in the child, so a source in their range could be overwritten before its turn; and dup3 does not
// put a descriptor on its own number.
class Sources {
 public:
  Sources(int above, SpawnNumbers* numbers) : above_(above), highest_(above), numbers_(numbers) {}
  Sources(const Sources&) = delete;
  Sources& operator=(const Sources&) = delete;
  ~Sources() {
    if (numbers_ != nullptr) numbers_->clear();
  }

  Result<FdRef> add(FdRef fd) {
    auto source = place(fd);
    if (source) highest_ = std::max(highest_, source->get());
    return source;
  }
  [[nodiscard]] int highest() const { return highest_; }

 private:
  Result<FdRef> place(FdRef fd) {
    if (numbers_ != nullptr) {
      const auto put = numbers_->put(fd);
      if (!put) return std::unexpected(put.error());
      if (*put && (*put)->get() > above_) return **put;
    }
    if (fd.get() > above_) return fd;
    auto copy = dup_cloexec(fd, above_ + 1);
    if (!copy) return std::unexpected(copy.error());
    return FdRef{lifted_.emplace_back(std::move(*copy))};
  }

  int above_;
  int highest_;
  SpawnNumbers* numbers_;
  std::vector<OwnedFd> lifted_;
};

std::vector<char*> pointers(std::span<const std::string> strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) {
    result.push_back(const_cast<char*>(string.c_str()));  // NOLINT: exec does not write to them
  }
  result.push_back(nullptr);
  return result;
}

Error error_of(const ChildWork& work, const SpawnRequest& request) {
  if (work.number != -1) return {"descriptor " + std::to_string(work.number) + " in the child", work.error};
  const std::string& program = request.path.empty() && !request.argv.empty() ? request.argv.front() : request.path;
  return {"exec(" + program + ")", work.error};
}

// As posix_spawn does it, which however makes a hundred system calls in the child and maps a stack each time.
Result<SpawnedProcess> clone_child(ChildWork& work) {
  constexpr std::size_t kStackSize = 16384;
  alignas(16) std::array<std::byte, kStackSize> stack;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  const int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | (work.shares_table ? CLONE_FILES : 0) | SIGCHLD;
  int pidfd = -1;
  const AllSignalsBlocked blocked;
  const pid_t pid = ::clone(run_child, stack.data() + stack.size(), flags, &work, &pidfd);
  if (pid == -1) return fail("clone");
  return SpawnedProcess{pid, OwnedFd{adopt, pidfd}};
}

Result<SpawnedProcess> run(ChildWork& work, const SpawnRequest& request) {
  auto process = clone_child(work);
  if (!process || work.error == 0) return process;
  retry_interrupted([&] { return ::waitpid(process->pid, nullptr, 0); });
  if (!work.table_refused) return std::unexpected(error_of(work, request));
  // Before Linux 5.9, or where a filter forbids it: a copy of all of our table, whose descriptors are close-on-exec.
  work.shares_table = work.table_refused = false;
  work.error = 0;
  return run(work, request);
}

}  // namespace

Result<SpawnedProcess> spawn(const SpawnRequest& request) {
  int highest = STDERR_FILENO;
  for (const FdMapping& mapping : request.fds) highest = std::max(highest, mapping.number_in_child);

  Sources sources(highest, request.numbers);
  std::vector<FdMapping> fds;
  for (const FdMapping& mapping : request.fds) {
    const auto source = sources.add(mapping.ours);
    if (!source) return std::unexpected(source.error());
    fds.push_back({*source, mapping.number_in_child});
  }
  ChildWork work{.fds = fds, .path = request.path.c_str(), .signals = request.signals};
  if (request.executable.valid()) {
    const auto executable = sources.add(request.executable);
    if (!executable) return std::unexpected(executable.error());
    work.executable = executable->get();
    work.path = "";
  }
  work.first_unneeded = static_cast<unsigned>(sources.highest()) + 1;
  const std::vector<char*> argv = pointers(request.argv);
  const std::vector<char*> environment = pointers(request.environment);
  work.argv = argv.data();
  work.environment = environment.data();
  return run(work, request);
}

}  // namespace liveswap::os
