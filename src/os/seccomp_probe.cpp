#include "os/seccomp_probe.hpp"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <system_error>
#include <thread>

#include "os/bpf.hpp"
#include "os/file.hpp"
#include "os/remote_process.hpp"

namespace liveswap::os {
namespace {

// As the launcher does it (launch/filter.cpp); 0 or an errno.
int install_in_this_thread() {
  std::array<sock_filter, 1> allow{bpf::statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{allow.size(), allow.data()};
  constexpr unsigned long kFlags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  long notifier = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &program);
  if (notifier == -1 && errno == EACCES) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) return errno;
    notifier = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &program);
  }
  if (notifier == -1) return errno;
  ::close(static_cast<int>(notifier));
  return 0;
}

// From Linux 5.6 on; EBADF says that it is there.
bool can_fetch_descriptors() { return ::syscall(SYS_pidfd_getfd, -1, 0, 0) == -1 && errno != ENOSYS; }

// Yama: 2 leaves it to CAP_SYS_PTRACE, 3 to nobody.
bool may_trace() {
  const auto scope = read_file("/proc/sys/kernel/yama/ptrace_scope", 16);
  if (!scope || scope->empty() || scope->front() < '2') return true;
  const auto own = read_thread_status(::getpid());
  return scope->front() == '2' && own && own->has_capability(CAP_SYS_PTRACE);
}

}  // namespace

Result<void> probe_seccomp_notifier() {
  if (!can_fetch_descriptors()) return fail_with(ENOSYS, "pidfd_getfd");
  if (!may_trace()) return fail_with(EPERM, "kernel.yama.ptrace_scope");
  int error = 0;
  try {
    std::thread([&error] { error = install_in_this_thread(); }).join();
  } catch (const std::system_error& failure) {
    return fail_with(failure.code().value(), "start a thread");
  }
  if (error != 0) return fail_with(error, "seccomp user notification");
  return {};
}

}  // namespace liveswap::os
