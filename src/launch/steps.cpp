#include "launch/steps.hpp"

#include <linux/capability.h>
#include <sys/resource.h>

#include <csignal>

#include "launch/resource_names.hpp"
#include "launch/system.hpp"

namespace liveswap::launch {
namespace {

int error_of(long result) { return result < 0 ? static_cast<int>(-result) : 0; }

// What a descriptor is open on, for people.
std::string_view path_of(int fd, TextBuffer& scratch, std::string_view otherwise) {
  TextBuffer link;
  link.add("/proc/self/fd/").add(static_cast<std::uint64_t>(fd));
  char path[4096];
  const long size = sys::call(SYS_readlinkat, AT_FDCWD, link.c_str(), path, sizeof path);
  scratch.clear();
  return scratch.add(size > 0 ? std::string_view{path, static_cast<std::size_t>(size)} : otherwise).view();
}

std::string_view number_text(TextBuffer& scratch, std::uint64_t number) {
  scratch.clear();
  return scratch.add(number).view();
}

}  // namespace

// A process that leads its group already (it was started so) cannot start a session, and need not if it leads
// one.
Failure start_session(Launch& launch) {
  if (!launch.plan.new_session()) return {};
  if (sys::call(SYS_getsid, 0) == sys::call(SYS_getpid)) return {};
  return {"", error_of(sys::call(SYS_setsid))};
}

// The master leaves this to the launcher, which begins with every signal blocked. Straight to the kernel, since libc's
// functions leave the signals alone that its threads use. An all-zero kernel sigaction is SIG_DFL on every processor.
Failure reset_signals(Launch&) {
  constexpr int kSignalMax = 64;
  constexpr std::size_t kMaskSize = kSignalMax / 8;
  alignas(8) const std::byte all_default[64] = {};
  for (int signal = 1; signal <= kSignalMax; ++signal) {
    if (signal == SIGKILL || signal == SIGSTOP) continue;
    const long result = sys::call(SYS_rt_sigaction, signal, all_default, 0, kMaskSize);
    if (result < 0) return {"SIG_DFL", error_of(result)};
  }
  return {"signal mask", error_of(sys::call(SYS_rt_sigprocmask, SIG_SETMASK, all_default, 0, kMaskSize))};
}

Failure join_cgroup(Launch& launch) {
  const auto index = launch.plan.cgroup();
  if (!index) return {};
  const int procs = launch.received.fds[*index];
  const int error = error_of(sys::write(procs, "0", 1));  // 0: the writer itself
  return error == 0 ? Failure{} : Failure{path_of(procs, launch.scratch, "cgroup.procs"), error};
}

Failure set_oom_score(Launch& launch) {
  constexpr const char* kPath = "/proc/self/oom_score_adj";
  const auto score = launch.plan.oom_score_adj();
  if (!score) return {};
  const long fd = sys::open(kPath, O_WRONLY);
  if (fd < 0) return {kPath, error_of(fd)};
  TextBuffer text;
  text.add(*score < 0 ? "-" : "").add(static_cast<std::uint64_t>(*score < 0 ? -*score : *score));
  const int error = error_of(sys::write(static_cast<int>(fd), text.c_str(), text.view().size()));
  sys::close(static_cast<int>(fd));
  return {kPath, error};
}

Failure set_umask(Launch& launch) {
  if (const auto mask = launch.plan.umask()) sys::call(SYS_umask, *mask);
  return {};
}

// The launcher raised its own limit on descriptors in order to receive them all; where the plan does not set
// that limit, the program gets the one that the master has.
Failure set_limits(Launch& launch) {
  bool files_set = false;
  for (std::uint32_t i = 0; i < launch.plan.limit_count(); ++i) {
    const wire::ResourceLimit wanted = launch.plan.limit(i);
    const std::uint64_t pair[2] = {wanted.soft, wanted.hard};
    const long result = sys::call(SYS_prlimit64, 0, wanted.resource, pair, 0);
    if (result < 0) return {resource_name(wanted.resource), error_of(result)};
    files_set = files_set || wanted.resource == RLIMIT_NOFILE;
  }
  if (files_set) return {};
  const std::uint64_t pair[2] = {launch.files_soft, launch.files_hard};
  return {"nofile", error_of(sys::call(SYS_prlimit64, 0, RLIMIT_NOFILE, pair, 0))};
}

Failure set_groups(Launch& launch) {
  if (!launch.plan.has_identity()) return {};
  const std::uint32_t count = launch.plan.group_count();
  const std::string_view object = number_text(launch.scratch, count);
  std::uint32_t* groups = nullptr;
  if (count > 0) {
    const long pages = sys::map_memory(count * sizeof(std::uint32_t));
    if (pages < 0) return {object, error_of(pages)};
    groups = reinterpret_cast<std::uint32_t*>(pages);
  }
  for (std::uint32_t i = 0; i < count; ++i) groups[i] = launch.plan.group(i);
  return {object, error_of(sys::call(SYS_setgroups, count, groups))};
}

Failure set_group(Launch& launch) {
  if (!launch.plan.has_identity()) return {};
  const std::uint32_t gid = launch.plan.gid();
  return {number_text(launch.scratch, gid), error_of(sys::call(SYS_setresgid, gid, gid, gid))};
}

// Leaving root takes all capabilities away by itself; a master that is not root, but may change users, would
// keep its own over the change. They are given up, and that there is no way back is tried.
Failure set_user(Launch& launch) {
  if (!launch.plan.has_identity()) return {};
  const std::uint32_t uid = launch.plan.uid();
  const std::string_view object = number_text(launch.scratch, uid);
  const long result = sys::call(SYS_setresuid, uid, uid, uid);
  if (result < 0 || uid == 0) return {object, error_of(result)};
  const __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  const long dropped = sys::call(SYS_capset, &header, none);
  if (dropped < 0) return {object, error_of(dropped)};
  return {object, sys::call(SYS_setresuid, 0, 0, 0) == 0 ? EPERM : 0};
}

Failure change_directory(Launch& launch) {
  const auto index = launch.plan.directory();
  if (!index) return {};
  return {launch.plan.directory_text(), error_of(sys::call(SYS_fchdir, launch.received.fds[*index]))};
}

}  // namespace liveswap::launch
