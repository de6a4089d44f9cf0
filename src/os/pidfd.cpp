#include "os/pidfd.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace liveswap::os {
namespace {

// Debian 12's headers are older than this interface (Linux 6.13, the exit code 6.15), so it is spelled out.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup_id;
  std::array<std::uint32_t, 11> ids;
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdInfo) == 64);
constexpr unsigned long kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);
constexpr std::uint64_t kPidfdInfoExit = 1U << 3;

ExitStatus from_wait_status(int status) {
  if (WIFEXITED(status)) return {ExitStatus::Kind::exited, WEXITSTATUS(status), false};
  return {ExitStatus::Kind::signaled, WTERMSIG(status), WCOREDUMP(status)};
}

ExitStatus from_siginfo(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {ExitStatus::Kind::exited, info.si_status, false};
  return {ExitStatus::Kind::signaled, info.si_status, info.si_code == CLD_DUMPED};
}

Result<std::optional<ExitStatus>> wait_other(FdRef pidfd) {
  pollfd poll_fd{pidfd.get(), POLLIN, 0};
  const int ready = retry_interrupted([&] { return ::poll(&poll_fd, 1, 0); });
  if (ready == -1) return fail("poll", pidfd.get());
  if (ready == 0) return std::optional<ExitStatus>{};
  PidfdInfo info{};
  info.mask = kPidfdInfoExit;
  const bool told = ::ioctl(pidfd.get(), kPidfdGetInfo, &info) == 0 && (info.mask & kPidfdInfoExit) != 0;
  return std::optional<ExitStatus>{told ? from_wait_status(info.exit_code) : ExitStatus{}};
}

}  // namespace

std::string ExitStatus::text() const {
  if (kind == Kind::unknown) return "ended";
  if (kind == Kind::exited) return "exited with status " + std::to_string(code);
  const char* name = sigabbrev_np(code);
  const std::string signal = name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(code);
  return "killed by " + signal + (core ? " (core dumped)" : "");
}

Result<OwnedFd> pidfd_open(pid_t pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  if (fd == -1) return fail("pidfd_open", pid);
  return OwnedFd{adopt, static_cast<int>(fd)};
}

Result<OwnedFd> peer_pidfd(FdRef socket, pid_t pid) {
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
  int fd = -1;
  socklen_t size = sizeof fd;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0) return OwnedFd{adopt, fd};
  if (errno == ENOPROTOOPT) return pidfd_open(pid);
  return fail("getsockopt SO_PEERPIDFD", socket.get());
}

Result<void> pidfd_send_signal(FdRef pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == -1) {
    return fail("pidfd_send_signal", signal);
  }
  return {};
}

Result<std::optional<ExitStatus>> wait_pidfd(FdRef pidfd) {
  siginfo_t info{};
  const auto id = static_cast<id_t>(pidfd.get());
  const int result = retry_interrupted(
      [&] { return ::waitid(static_cast<idtype_t>(P_PIDFD), id, &info, WEXITED | WNOHANG); });
  if (result == -1 && errno == ECHILD) return wait_other(pidfd);
  if (result == -1) return fail("waitid P_PIDFD", pidfd.get());
  if (info.si_pid == 0) return std::optional<ExitStatus>{};
  return std::optional<ExitStatus>{from_siginfo(info)};
}

Result<std::optional<pid_t>> peek_ended_child() {
  siginfo_t info{};
  const int result =
      retry_interrupted([&] { return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT); });
  if (result == -1 && errno != ECHILD) return fail("waitid P_ALL");
  if (result == -1 || info.si_pid == 0) return std::optional<pid_t>{};
  return std::optional<pid_t>{info.si_pid};
}

Result<std::optional<ExitStatus>> reap(pid_t pid) {
  siginfo_t info{};
  const int result =
      retry_interrupted([&] { return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG); });
  if (result == -1 && errno != ECHILD) return fail("waitid", pid);
  if (result == -1 || info.si_pid == 0) return std::optional<ExitStatus>{};
  return std::optional<ExitStatus>{from_siginfo(info)};
}

Result<OwnedFd> fetch_descriptor(FdRef pidfd, int number) {
  const long fd = ::syscall(SYS_pidfd_getfd, pidfd.get(), number, 0);  // close-on-exec by itself
  if (fd == -1) return fail("pidfd_getfd", number);
  return OwnedFd{adopt, static_cast<int>(fd)};
}

Result<void> set_child_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == -1) return fail("prctl PR_SET_CHILD_SUBREAPER");
  return {};
}

}  // namespace liveswap::os
