// Step: some of the program's system calls wait for the master's answer from now on (seccomp user notification).
#include "launch/filter.hpp"

#include <linux/net.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include "launch/steps.hpp"
#include "launch/system.hpp"
#include "os/bpf.hpp"

namespace liveswap::launch {
namespace {

constexpr std::uint32_t kArchAt = offsetof(seccomp_data, arch);
constexpr std::uint32_t kNumberAt = offsetof(seccomp_data, nr);
constexpr std::uint32_t kFirstArgumentAt = offsetof(seccomp_data, args);  // its lower half: little-endian

// Linux 5.19, and so not in every system's headers.
constexpr unsigned long kWaitKillable = 1UL << 5;

bool is_of_this_processor(std::uint32_t arch) {
#if defined(__x86_64__)
  return arch == AUDIT_ARCH_X86_64 || arch == AUDIT_ARCH_I386;
#elif defined(__aarch64__)
  return arch == AUDIT_ARCH_AARCH64 || arch == AUDIT_ARCH_ARM;
#else
  return arch == 0;
#endif
}

bool is_watched(os::SystemCall call, const wire::Filter& filter) {
  switch (call) {
    case os::SystemCall::bind:
    case os::SystemCall::listen:
    case os::SystemCall::socketcall:
    case os::SystemCall::io_uring_setup: return true;
    default: return filter.watch_unlink;
  }
}

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kWait = SECCOMP_RET_USER_NOTIF;
constexpr std::uint32_t kDeny = SECCOMP_RET_ERRNO | EPERM;

}  // namespace

// Block by block: one that is not of the caller's mode is passed over by one jump, and in the right one each call that
// is not trapped costs one test for each that is. Since Linux 5.11 the kernel knows by itself which are always allowed,
// and runs nothing for them.
FilterProgram::FilterProgram(const wire::Filter& filter) {
  add(os::bpf::statement(BPF_LD | BPF_W | BPF_ABS, kArchAt));
  std::uint32_t block = 0;
  for (const os::TrappedNumber& row : os::kTrappedNumbers) {
    if (!is_of_this_processor(row.arch) || !is_watched(row.call, filter)) continue;
    if (row.arch != block) {
      end_block();
      begin_block(row.arch);
      block = row.arch;
    }
    add_call(row, row.call == os::SystemCall::io_uring_setup && filter.deny_io_uring ? kDeny : kWait);
  }
  end_block();
  add(os::bpf::statement(BPF_RET | BPF_K, kAllow));
}

void FilterProgram::begin_block(std::uint32_t arch) {
  block_ = size_;
  add(os::bpf::jump(BPF_JEQ, arch, 0, 0));
  add(os::bpf::statement(BPF_LD | BPF_W | BPF_ABS, kNumberAt));
  if (arch == AUDIT_ARCH_X86_64) add(os::bpf::statement(BPF_ALU | BPF_AND | BPF_K, ~os::kX32Bit));
}

// A call that is none of the block's is allowed; one of another mode goes on behind it, with its mode still at hand.
void FilterProgram::end_block() {
  if (block_ == 0) return;
  add(os::bpf::statement(BPF_RET | BPF_K, kAllow));
  instructions_[block_].jf = static_cast<std::uint8_t>(size_ - block_ - 1);
}

void FilterProgram::add_call(const os::TrappedNumber& row, std::uint32_t verdict) {
  if (row.call != os::SystemCall::socketcall) {
    add(os::bpf::jump(BPF_JEQ, row.number, 0, 1));
    add(os::bpf::statement(BPF_RET | BPF_K, verdict));
    return;
  }
  constexpr std::uint8_t kRest = 5;  // instructions behind the first one here
  add(os::bpf::jump(BPF_JEQ, row.number, 0, kRest));
  add(os::bpf::statement(BPF_LD | BPF_W | BPF_ABS, kFirstArgumentAt));
  add(os::bpf::jump(BPF_JEQ, SYS_BIND, 1, 0));
  add(os::bpf::jump(BPF_JEQ, SYS_LISTEN, 0, 1));
  add(os::bpf::statement(BPF_RET | BPF_K, verdict));
  add(os::bpf::statement(BPF_RET | BPF_K, kAllow));
}

void FilterProgram::add(const sock_filter& instruction) { instructions_[size_++] = instruction; }

namespace {

// The notifier, close-on-exec, or a negative errno. With CAP_SYS_ADMIN the program keeps the right to gain privileges
// by executing a file that is setuid; anybody else has to give it up first. A signal that the program handles does not
// interrupt a call that the master has begun to answer, where the kernel can see to that (5.19).
long install(const FilterProgram& program) {
  const sock_fprog given{program.size(), const_cast<sock_filter*>(program.instructions())};  // only read
  unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW | kWaitKillable;
  bool gave_up = false;
  for (;;) {
    const long result = sys::call(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &given);
    if (result == -EINVAL && (flags & kWaitKillable) != 0) {
      flags &= ~kWaitKillable;
    } else if (result == -EACCES && !gave_up) {
      const long set = sys::call(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      if (set < 0) return set;
      gave_up = true;
    } else {
      return result;
    }
  }
}

}  // namespace

Failure install_filter(Launch& launch) {
  constexpr std::string_view kObject = "user notification";
  const auto filter = launch.plan.filter();
  if (!filter) return {};
  const FilterProgram program{*filter};
  if (!program.traps_anything()) return {"user notification: unknown processor", ENOSYS};
  const long notifier = install(program);
  if (notifier < 0) return {kObject, static_cast<int>(-notifier)};
  const int error = launch.channel.send_filter(static_cast<int>(notifier));
  sys::close(static_cast<int>(notifier));
  return {"channel", error};
}

}  // namespace liveswap::launch
