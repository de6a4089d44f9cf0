#include "os/seccomp_notify.hpp"

#include <fcntl.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "os/remote_process.hpp"
#include "os/trapped_calls.hpp"

namespace liveswap::os {
namespace {

using Kind = TrappedCall::Kind;

std::optional<SystemCall> call_of(const seccomp_data& data) {
  const auto number = static_cast<std::uint32_t>(data.nr);
  const std::uint32_t plain = data.arch == AUDIT_ARCH_X86_64 ? number & ~kX32Bit : number;
  const auto* row = std::ranges::find_if(
      kTrappedNumbers, [&](const TrappedNumber& known) { return known.arch == data.arch && known.number == plain; });
  return row != std::end(kTrappedNumbers) ? std::optional(row->call) : std::nullopt;
}

// The kernel takes the lower half of a register where an argument is an int.
int as_int(std::uint64_t word) { return static_cast<int>(static_cast<std::uint32_t>(word)); }

using Arguments = std::span<const __u64>;

void take_bind(TrappedCall& call, Arguments words) {
  call.kind = Kind::bind;
  call.descriptor = as_int(words[0]);
  call.address = words[1];
  call.length = static_cast<std::uint32_t>(words[2]);
}

void take_listen(TrappedCall& call, Arguments words) {
  call.kind = Kind::listen;
  call.descriptor = as_int(words[0]);
  call.backlog = as_int(words[1]);
}

void take_unlink(TrappedCall& call, int directory, std::uint64_t path, std::uint64_t flags) {
  call.kind = Kind::unlink;
  call.descriptor = directory;
  call.path = path;
  call.flags = static_cast<std::uint32_t>(flags);
}

void take_rename(TrappedCall& call, Arguments words, std::uint64_t flags) {
  call.kind = Kind::rename;
  call.descriptor = as_int(words[0]);
  call.path = words[1];
  call.target_directory = as_int(words[2]);
  call.target = words[3];
  call.flags = static_cast<std::uint32_t>(flags);
}

// An i386 program's words lie in its memory. What cannot be read stays `other`: the kernel will say EFAULT.
void take_socketcall(TrappedCall& call, Arguments words) {
  const int which = as_int(words[0]);
  const std::size_t count = which == SYS_BIND ? 3 : 2;
  const auto memory = read_memory(call.thread, words[1], count * sizeof(std::uint32_t));
  if (!memory) return;
  std::array<std::uint32_t, 3> narrow{};
  std::memcpy(narrow.data(), memory->data(), memory->size());
  const std::array<__u64, 3> wide{narrow[0], narrow[1], narrow[2]};
  if (which == SYS_BIND) take_bind(call, wide);
  if (which == SYS_LISTEN) take_listen(call, wide);
}

void take(TrappedCall& call, SystemCall which, Arguments words) {
  const auto no_directory = static_cast<__u64>(AT_FDCWD);
  switch (which) {
    case SystemCall::bind: return take_bind(call, words);
    case SystemCall::listen: return take_listen(call, words);
    case SystemCall::socketcall: return take_socketcall(call, words);
    case SystemCall::io_uring_setup: call.kind = Kind::io_uring_setup; return;
    case SystemCall::unlink: return take_unlink(call, AT_FDCWD, words[0], 0);
    case SystemCall::unlinkat: return take_unlink(call, as_int(words[0]), words[1], words[2]);
    case SystemCall::rename:
      return take_rename(call, std::array{no_directory, words[0], no_directory, words[1]}, 0);
    case SystemCall::renameat: return take_rename(call, words, 0);
    case SystemCall::renameat2: return take_rename(call, words, words[4]);
  }
}

Result<void> send(FdRef fd, std::span<std::byte> buffer, const seccomp_notif_resp& answer) {
  std::ranges::fill(buffer, std::byte{0});
  std::memcpy(buffer.data(), &answer, sizeof answer);
  if (::ioctl(fd.get(), SECCOMP_IOCTL_NOTIF_SEND, buffer.data()) == -1) {
    return fail("ioctl SECCOMP_IOCTL_NOTIF_SEND", fd.get());
  }
  return {};
}

}  // namespace

Result<SeccompNotifier> SeccompNotifier::adopt(OwnedFd fd) {
  seccomp_notif_sizes sizes{};
  if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == -1) return fail("seccomp SECCOMP_GET_NOTIF_SIZES");
  std::uint64_t no_call = 0;
  if (::ioctl(fd.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &no_call) == -1 && errno != ENOENT) {
    return fail("ioctl SECCOMP_IOCTL_NOTIF_ID_VALID", fd.get());
  }
  return SeccompNotifier(std::move(fd), std::max<std::size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)),
                         std::max<std::size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)));
}

// O_NONBLOCK means nothing to SECCOMP_IOCTL_NOTIF_RECV. But what poll has found, it does not wait for: the kernel
// counts each call as it comes, also one that has gone away since, for which it says ENOENT.
Result<std::optional<TrappedCall>> SeccompNotifier::receive() {
  pollfd poll_fd{fd_.get(), POLLIN, 0};
  const int ready = retry_interrupted([&] { return ::poll(&poll_fd, 1, 0); });
  if (ready == -1) return fail("poll", fd_.get());
  if (poll_fd.revents == POLLHUP) return fail_with(ESRCH, "the last process with the seccomp filter");
  if ((poll_fd.revents & POLLIN) == 0) return std::optional<TrappedCall>{};
  std::ranges::fill(call_, std::byte{0});  // the kernel insists on it
  const int result = retry_interrupted([&] { return ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_RECV, call_.data()); });
  if (result == -1 && errno == ENOENT) return std::optional<TrappedCall>{};
  if (result == -1) return fail("ioctl SECCOMP_IOCTL_NOTIF_RECV", fd_.get());
  seccomp_notif received;
  std::memcpy(&received, call_.data(), sizeof received);
  TrappedCall call{.id = received.id, .thread = static_cast<pid_t>(received.pid)};
  const auto which = call_of(received.data);
  if (which) take(call, *which, received.data.args);
  if (which == SystemCall::socketcall && !still_waits(call.id)) return std::optional<TrappedCall>{};
  return call;
}

bool SeccompNotifier::still_waits(std::uint64_t id) const {
  return ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

Result<void> SeccompNotifier::answer(std::uint64_t id, int error) {
  return send(fd_, answer_, {.id = id, .val = 0, .error = -error, .flags = 0});
}

Result<void> SeccompNotifier::go_on(std::uint64_t id) {
  return send(fd_, answer_, {.id = id, .val = 0, .error = 0, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE});
}

Result<void> SeccompNotifier::put_descriptor(std::uint64_t id, FdRef source, int number, bool close_on_exec) {
  seccomp_notif_addfd given{.id = id,
                            .flags = SECCOMP_ADDFD_FLAG_SETFD,
                            .srcfd = static_cast<std::uint32_t>(source.get()),
                            .newfd = static_cast<std::uint32_t>(number),
                            .newfd_flags = close_on_exec ? std::uint32_t{O_CLOEXEC} : 0};
  const int result = retry_interrupted([&] { return ::ioctl(fd_.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &given); });
  if (result == -1) return fail("ioctl SECCOMP_IOCTL_NOTIF_ADDFD", number);
  return {};
}

}  // namespace liveswap::os
