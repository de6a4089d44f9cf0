// How the launcher puts the filter in: with the rights that it has, on kernels of different age, and beside filters
// that are there already; and what signals do to calls that wait then.
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>

#include "os/bpf.hpp"
#include "os/procfs.hpp"
#include "os/remote_process.hpp"
#include "trapping.hpp"

namespace {

using namespace liveswap;
using namespace launch::test;
using os::TrappedCall;
using os::bpf::jump;
using os::bpf::statement;
using Texts = std::vector<std::string>;

#define WITH_EACH_LAUNCHER(launcher)                     \
  for (const auto& launcher : launch::test::launchers()) \
    if (CAPTURE(launcher); true)

constexpr std::uint32_t kWaitKillable = 1U << 5;  // Linux 5.19
constexpr int kSysAdmin = 21;                     // CAP_SYS_ADMIN
constexpr unsigned kNobody = 65534;

bool may_filter_freely() { return os::read_thread_status(::getpid()).value().has_capability(kSysAdmin); }

// A kernel that knows the flag gets as far as looking at the program.
bool kernel_waits_killable() {
  const auto flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | kWaitKillable;
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, nullptr) == -1 && errno == EFAULT;
}

template <std::size_t N>
long put_filter(unsigned flags, std::array<sock_filter, N> program) {
  const sock_fprog given{N, program.data()};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &given);
}

// As on Linux 5.18: the flag is unknown.
void be_an_older_kernel() {
  put_filter(0, std::array{statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           jump(BPF_JEQ, SYS_seccomp, 0, 3),
                           statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[1])),
                           jump(BPF_JSET, kWaitKillable, 0, 1),
                           statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
                           statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)});
}

// Its notifier stays open over the launcher's exec, or it would not count.
void have_a_notifier() {
  const long notifier =
      put_filter(SECCOMP_FILTER_FLAG_NEW_LISTENER, std::array{statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)});
  ::fcntl(static_cast<int>(notifier), F_SETFD, 0);
}

// The first signal wakes a caller, which then finds that its call was received, and waits for no other but KILL: the
// kernel shows that as waiting for a disk.
bool comes_to_wait_killable(pid_t pid) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < give_up) {
    const auto stat = os::read_process_stat(pid);
    if (stat && stat->state == 'D') return true;
    ::sched_yield();
  }
  return false;
}

void become_nobody() {
  const gid_t group = kNobody;
  const bool done = ::setgroups(0, nullptr) == 0 && ::setresgid(group, group, group) == 0 &&
                    ::setresuid(kNobody, kNobody, kNobody) == 0;
  if (!done) ::_exit(98);
}

TEST_CASE("filter: a program that makes none of the calls runs as ever, and does not have the notifier") {
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    wire::LaunchPlan plan = trapped_plan({});
    plan.program = probe_program();
    plan.arguments = {"probe", "a b"};
    launching.send(plan, {});
    auto notifier = notifier_of(launching);
    CHECK(launching.next() == "closed");
    CHECK(answer_all(notifier, pretend) == Texts{});
    const Facts facts = launching.output();
    CHECK(facts.of("argument 1") == "a b");
    CHECK(facts.descriptors() == "");
    CHECK(launching.exit_status() == 0);
  }
}

TEST_CASE("filter: the rights that setuid programs give are given up only where they must be") {
  const std::string given_up = may_filter_freely() ? "0" : "1";
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    wire::LaunchPlan plan = trapped_plan({"privileges-given-up", "bind"});
    if (may_filter_freely()) plan.identity = wire::Identity{.uid = kNobody, .gid = kNobody, .groups = {}};
    const os::OwnedFd program{os::adopt, ::open(plan.program.c_str(), O_PATH | O_CLOEXEC)};
    plan.program = "/proc/self/fd/9";
    plan.placements = {{.source = 0, .target = 9}};
    launching.send(plan, std::array{os::FdRef{program}});
    auto notifier = notifier_of(launching);
    CHECK(answer_all(notifier, pretend).size() == 1);
    CHECK(launching.output().of("privileges-given-up") == given_up);
  }
}

TEST_CASE("filter: a launcher without rights gives them up, and the calls wait all the same") {
  if (::geteuid() != 0) return;  // the test above is this one then
  WITH_EACH_LAUNCHER(launcher) {
    // What is open can be executed, wherever it lies; but at 3 the launcher has its channel.
    const os::OwnedFd file{os::adopt, ::open(launcher.c_str(), O_PATH | O_CLOEXEC)};
    const os::OwnedFd program = os::dup_cloexec(file, 10).value();
    wire::LaunchPlan plan = trapped_plan({"privileges-given-up", "bind"});
    const os::OwnedFd probe{os::adopt, ::open(plan.program.c_str(), O_PATH | O_CLOEXEC)};
    Launching launching{"/proc/self/fd/" + std::to_string(program.get()), become_nobody};
    plan.program = "/proc/self/fd/9";
    plan.placements = {{.source = 0, .target = 9}};
    launching.send(plan, std::array{os::FdRef{probe}});
    auto notifier = notifier_of(launching);
    const TrappedCall call = next_call(notifier);
    CHECK(text_of(call) == "bind 3 127.0.0.1:0");
    const auto status = os::read_thread_status(call.thread);
    REQUIRE(status.has_value());
    CHECK(status->file_uid == kNobody);
    CHECK(status->effective_capabilities == 0);
    pretend(notifier, call);
    const Facts facts = launching.output();
    CHECK(facts.of("privileges-given-up") == "1");
    CHECK(facts.of("bind") == "0");
  }
}

TEST_CASE("filter: a second notifier for the same process is refused by the kernel, and that is what is told") {
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher, have_a_notifier};
    launching.send(trapped_plan({"bind"}), {});
    CHECK(launching.next() == "FAILED seccomp user notification: Device or resource busy");
    CHECK(launching.exit_status() == 127);
  }
}

TEST_CASE("filter: it is put in before a limit that leaves no number for the notifier") {
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    wire::LaunchPlan plan = trapped_plan({"listen"});
    plan.limits = {{.resource = 7, .soft = 4, .hard = 4}};  // RLIMIT_NOFILE: the streams and the socket
    launching.send(plan, {});
    auto notifier = notifier_of(launching);
    CHECK(answer_all(notifier, pretend) == Texts{"listen 3 backlog 5"});
  }
}

TEST_CASE("filter: a signal interrupts a call that nobody has received; it comes again, and no receiver hangs") {
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    launching.send(trapped_plan({"handle", "bind"}), {});
    auto notifier = notifier_of(launching);
    CHECK(launching.read_line() == "handle=0");
    REQUIRE(readiness(notifier, true) == POLLIN);
    REQUIRE(::kill(launching.pid(), SIGUSR1) == 0);
    CHECK(launching.read_line() == "handled=" + std::to_string(SIGUSR1));
    pretend(notifier, next_call(notifier));
    CHECK(answer_all(notifier, pretend) == Texts{});
    CHECK(launching.output().of("bind") == "0");
  }
}

TEST_CASE("filter: a signal does not interrupt a call that was received") {
  if (!kernel_waits_killable()) {
    MESSAGE("skipped: before Linux 5.19 it does");
    return;
  }
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    launching.send(trapped_plan({"handle", "bind"}), {});
    auto notifier = notifier_of(launching);
    CHECK(launching.read_line() == "handle=0");
    const TrappedCall call = next_call(notifier);
    REQUIRE(::kill(launching.pid(), SIGUSR1) == 0);
    REQUIRE(comes_to_wait_killable(launching.pid()));
    CHECK(notifier.still_waits(call.id));
    pretend(notifier, call);
    CHECK(launching.read_line() == "handled=" + std::to_string(SIGUSR1));
    CHECK(launching.read_line() == "bind=0");
    CHECK(answer_all(notifier, pretend) == Texts{});
  }
}

TEST_CASE("filter: on a kernel before 5.19 a signal takes a received call back, and it comes again") {
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher, be_an_older_kernel};
    launching.send(trapped_plan({"handle", "bind"}), {});
    auto notifier = notifier_of(launching);
    CHECK(launching.read_line() == "handle=0");
    const TrappedCall call = next_call(notifier);
    REQUIRE(::kill(launching.pid(), SIGUSR1) == 0);
    CHECK(launching.read_line() == "handled=" + std::to_string(SIGUSR1));
    CHECK_FALSE(notifier.still_waits(call.id));
    const auto late = notifier.answer(call.id, 0);
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().code == ENOENT);
    const TrappedCall again = next_call(notifier);
    CHECK(again.id != call.id);
    CHECK(text_of(again) == text_of(call));
    pretend(notifier, again);
    CHECK(launching.read_line() == "bind=0");
  }
}

}  // namespace
