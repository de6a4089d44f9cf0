// The notifier's side of calls that a thread of this process makes under a filter of its own. That the launcher's
// filter and this reader agree on every call and processor mode is tested in unit/launch.
#include "os/seccomp_notify.hpp"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <functional>
#include <future>
#include <thread>

#include "helpers.hpp"
#include "os/bpf.hpp"
#include "os/pidfd.hpp"
#include "os/pipe.hpp"
#include "os/remote_process.hpp"

namespace liveswap::os {
using namespace test;
using Kind = TrappedCall::Kind;

namespace {

// Each call with this number waits, of the calling thread only.
OwnedFd trap(std::uint32_t number) {
  const std::array program{bpf::statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                           bpf::jump(BPF_JEQ, number, 0, 1), bpf::statement(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
                           bpf::statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog given{program.size(), const_cast<sock_filter*>(program.data())};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const auto flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
  return OwnedFd{adopt, static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &given))};
}

// A thread that runs `act` under such a filter; what that returned comes out of result().
class Caller {
 public:
  Caller(std::uint32_t number, std::function<long()> act) {
    std::promise<OwnedFd> made;
    auto notifier = made.get_future();
    thread_ = std::jthread([this, number, act = std::move(act), made = std::move(made)]() mutable {
      made.set_value(trap(number));
      const long result = act();
      result_.set_value(result == -1 ? -errno : result);
    });
    notifier_.emplace(must(SeccompNotifier::adopt(notifier.get())));
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  ~Caller() { notifier_.reset(); }  // a call that still waits fails with ENOSYS

  [[nodiscard]] SeccompNotifier& notifier() { return *notifier_; }
  [[nodiscard]] TrappedCall next() {
    REQUIRE(wait_readable(notifier_->fd()));
    const auto call = must(notifier_->receive());
    REQUIRE(call.has_value());
    return *call;
  }
  [[nodiscard]] long result() { return result_.get_future().get(); }

 private:
  std::promise<long> result_;
  std::optional<SeccompNotifier> notifier_;
  std::jthread thread_;
};

}  // namespace

TEST_CASE("what is no notifier is not taken for one") {
  auto pipe = must(open_pipe());
  const int number = pipe.read.get();
  CHECK(error_of(SeccompNotifier::adopt(std::move(pipe.read))) ==
        "ioctl SECCOMP_IOCTL_NOTIF_ID_VALID(" + std::to_string(number) + "): Inappropriate ioctl for device");
}

TEST_CASE("a call waits for its answer, and is known by an id until then") {
  Caller caller(SYS_listen, [] { return ::syscall(SYS_listen, 77, -3); });
  const TrappedCall call = caller.next();
  CHECK(call.kind == Kind::listen);
  CHECK(call.descriptor == 77);
  CHECK(call.backlog == -3);
  CHECK(must(process_of(call.thread)) == ::getpid());
  CHECK(call.thread != ::getpid());
  CHECK(caller.notifier().still_waits(call.id));
  CHECK_FALSE(caller.notifier().still_waits(call.id + 1));
  CHECK_FALSE(must(caller.notifier().receive()).has_value());
  must(caller.notifier().answer(call.id, 0));
  CHECK(caller.result() == 0);
  CHECK_FALSE(caller.notifier().still_waits(call.id));
}

TEST_CASE("an answer can be an error, comes once, and is for a call that is there") {
  Caller caller(SYS_listen, [] { return ::syscall(SYS_listen, 77, 1); });
  const TrappedCall call = caller.next();
  const int fd = caller.notifier().fd().get();
  const std::string no_such = "ioctl SECCOMP_IOCTL_NOTIF_SEND(" + std::to_string(fd) + "): No such file or directory";
  CHECK(error_of(caller.notifier().answer(call.id + 1, 0)) == no_such);
  must(caller.notifier().answer(call.id, EADDRINUSE));
  CHECK(caller.result() == -EADDRINUSE);
  CHECK(error_of(caller.notifier().answer(call.id, 0)) == no_such);
  CHECK(error_of(caller.notifier().go_on(call.id)) == no_such);
}

TEST_CASE("a call that is to go on is done by the kernel") {
  Caller caller(SYS_listen, [] { return ::syscall(SYS_listen, -1, 1); });
  must(caller.notifier().go_on(caller.next().id));
  CHECK(caller.result() == -EBADF);
}

TEST_CASE("when the last thread with the filter has ended, the notifier hangs up and says so") {
  Caller caller(SYS_listen, [] { return 5L; });
  CHECK(caller.result() == 5);
  pollfd poll_fd{caller.notifier().fd().get(), POLLIN, 0};
  REQUIRE(::poll(&poll_fd, 1, 10'000) == 1);
  CHECK(poll_fd.revents == POLLHUP);
  CHECK(error_of(caller.notifier().receive()) == "the last process with the seccomp filter: No such process");
}

TEST_CASE("bind comes with where its address is, however long it claims to be") {
  const std::uint64_t there = 0x1234567890;
  Caller caller(SYS_bind, [] { return ::syscall(SYS_bind, 5L, 0x1234567890L, -1L); });
  const TrappedCall call = caller.next();
  CHECK(call == TrappedCall{.id = call.id,
                            .thread = call.thread,
                            .kind = Kind::bind,
                            .descriptor = 5,
                            .address = there,
                            .length = 0xffffffff});
  must(caller.notifier().answer(call.id, 0));
}

TEST_CASE("a call that is in no table is for the kernel") {
  Caller caller(SYS_getppid, [] { return ::syscall(SYS_getppid); });
  const TrappedCall call = caller.next();
  CHECK(call.kind == Kind::other);
  must(caller.notifier().go_on(call.id));
  CHECK(caller.result() == ::getppid());
}

TEST_CASE("a rename comes with both directories and paths, and its flags") {
  const char* from = "one";
  const char* to = "two";
  Caller caller(SYS_renameat2, [=] { return ::syscall(SYS_renameat2, 7, from, AT_FDCWD, to, 2); });
  const TrappedCall call = caller.next();
  CHECK(call.kind == Kind::rename);
  CHECK(call.descriptor == 7);
  CHECK(call.target_directory == AT_FDCWD);
  CHECK(must(read_path(call.thread, call.path)) == "one");
  CHECK(must(read_path(call.thread, call.target)) == "two");
  CHECK(call.flags == 2);
  must(caller.notifier().answer(call.id, 0));
  CHECK(caller.result() == 0);
}

TEST_CASE("the caller's descriptor can be replaced while its call waits") {
  const Pair pipe = pipe_pair();
  const Pair other = pipe_pair();
  const int number = pipe.a.get();
  Caller caller(SYS_listen, [] { return ::syscall(SYS_listen, 77, 1); });
  const TrappedCall call = caller.next();
  must(caller.notifier().put_descriptor(call.id, other.a, number, true));
  CHECK(must(is_cloexec(FdRef{number})));
  must(caller.notifier().put_descriptor(call.id, other.a, number, false));
  CHECK_FALSE(must(is_cloexec(FdRef{number})));
  REQUIRE(::write(other.b.get(), "x", 1) == 1);
  CHECK(wait_readable(FdRef{number}));
  CHECK(caller.notifier().still_waits(call.id));
  must(caller.notifier().answer(call.id, 0));
  CHECK(caller.result() == 0);
  CHECK(error_of(caller.notifier().put_descriptor(call.id, other.a, number, false)) ==
        "ioctl SECCOMP_IOCTL_NOTIF_ADDFD(" + std::to_string(number) + "): No such file or directory");
}

TEST_CASE("a descriptor of another process is fetched by its number, and shares the open file") {
  const Pair pipe = pipe_pair();
  const OwnedFd self = must(pidfd_open(::getpid()));
  const OwnedFd fetched = must(fetch_descriptor(self, pipe.b.get()));
  CHECK(must(is_cloexec(fetched)));
  REQUIRE(::write(fetched.get(), "x", 1) == 1);
  CHECK(wait_readable(pipe.a));
  CHECK(error_of(fetch_descriptor(self, 1'000'000)) == "pidfd_getfd(1000000): Bad file descriptor");
}

}  // namespace liveswap::os
