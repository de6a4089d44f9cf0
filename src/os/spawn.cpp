#include "os/spawn.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <utility>

#include "os/pidfd.hpp"

namespace liveswap::os {
namespace {

class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  [[nodiscard]] int dup2(int from, int to) { return ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

// All signals at their default, none blocked: what a program expects that was started from a shell.
class Attributes {
 public:
  Attributes() {
    sigset_t all;
    sigset_t none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

// A duplicate with a number above all that the child will use. The mappings are made one after the other in
// the child, so a source in their range could be overwritten before its turn; and a dup2 onto its own number
// would leave it close-on-exec with glibc before 2.29.
Result<FdRef> lift(FdRef fd, int above, std::vector<OwnedFd>& lifted) {
  if (fd.get() > above) return fd;
  auto copy = dup_cloexec(fd, above + 1);
  if (!copy) return std::unexpected(copy.error());
  return FdRef{lifted.emplace_back(std::move(*copy))};
}

std::vector<char*> pointers(std::span<const std::string> strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (const std::string& string : strings) {
    result.push_back(const_cast<char*>(string.c_str()));  // NOLINT: posix_spawn does not write to them
  }
  result.push_back(nullptr);
  return result;
}

Error exec_error(int code, const std::string& program, bool by_descriptor) {
  if (by_descriptor && code == ENOENT && ::access("/proc/self/fd", F_OK) == -1) {
    return {"posix_spawn(" + program +
                "): /proc is not mounted, and a program is run by its descriptor through it",
            ENOENT};
  }
  return {"posix_spawn(" + program + ")", code};
}

// A child without a pidfd cannot be told from another process later on, so it must not live.
Result<SpawnedProcess> take_pidfd(pid_t pid) {
  auto pidfd = pidfd_open(pid);
  if (pidfd) return SpawnedProcess{pid, std::move(*pidfd)};
  ::kill(pid, SIGKILL);
  retry_interrupted([&] { return ::waitpid(pid, nullptr, 0); });
  return std::unexpected(pidfd.error());
}

}  // namespace

Result<SpawnedProcess> spawn(const SpawnRequest& request) {
  int highest = STDERR_FILENO;
  for (const FdMapping& mapping : request.fds) highest = std::max(highest, mapping.number_in_child);

  std::vector<OwnedFd> lifted;
  FileActions actions;
  for (const FdMapping& mapping : request.fds) {
    const auto source = lift(mapping.ours, highest, lifted);
    if (!source) return std::unexpected(source.error());
    const int code = actions.dup2(source->get(), mapping.number_in_child);
    if (code != 0)
      return fail_with(code, "descriptor " + std::to_string(mapping.number_in_child) + " in the child");
  }

  std::string program = request.path;
  const bool by_descriptor = request.executable.valid();
  if (by_descriptor) {
    const auto executable = lift(request.executable, highest, lifted);
    if (!executable) return std::unexpected(executable.error());
    program = "/proc/self/fd/" + std::to_string(executable->get());
  }

  const Attributes attributes;
  const std::vector<char*> argv = pointers(request.argv);
  const std::vector<char*> environment = pointers(request.environment);
  pid_t pid = -1;
  const int code =
      ::posix_spawn(&pid, program.c_str(), actions.get(), attributes.get(), argv.data(), environment.data());
  if (code != 0) return std::unexpected(exec_error(code, program, by_descriptor));
  return take_pidfd(pid);
}

}  // namespace liveswap::os
