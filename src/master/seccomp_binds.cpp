#include "master/seccomp_binds.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>

#include "os/descriptor_info.hpp"
#include "os/pidfd.hpp"
#include "os/process_sockets.hpp"
#include "os/remote_process.hpp"

namespace liveswap::master {
namespace {

constexpr int kCallsATurn = 64;
constexpr std::chrono::milliseconds kSlice{2};  // of the loop's time; a call more may follow
constexpr BindWatch::Reply kGoOn{.go_on = true};

}  // namespace

os::Result<std::unique_ptr<SeccompBinds>> SeccompBinds::open(loop::Loop& loop, LeftPart notifier,
                                                             BindWatch& binds) {
  auto adopted = os::SeccompNotifier::adopt(std::move(notifier.fd));
  if (!adopted) return std::unexpected(adopted.error());
  auto opened = std::unique_ptr<SeccompBinds>(
      new SeccompBinds(std::move(*adopted), std::move(notifier.part), binds));
  auto watch = loop::FdWatch::open(loop, opened->notifier_.fd(), {.readable = true},
                                   [self = opened.get()](loop::Readiness ready) { self->on_ready(ready); });
  if (!watch) return std::unexpected(watch.error());
  opened->watch_ = std::move(*watch);
  return opened;
}

void SeccompBinds::on_ready(loop::Readiness) {
  const auto deadline = std::chrono::steady_clock::now() + kSlice;
  for (int i = 0; i < kCallsATurn && (i == 0 || std::chrono::steady_clock::now() < deadline); ++i) {
    const auto call = notifier_.receive();
    if (!call) watch_.reset();  // the last task that has the filter is gone
    if (!call || !*call) return;
    handle(**call);
  }
}

void SeccompBinds::handle(const os::TrappedCall& call) {
  const auto reply = reply_to(call);
  if (!reply) return;  // nobody waits for it any more
  if (reply->go_on) {
    (void)notifier_.go_on(call.id);
  } else {
    (void)notifier_.answer(call.id, reply->error);
  }
}

std::optional<BindWatch::Reply> SeccompBinds::reply_to(const os::TrappedCall& call) {
  switch (call.kind) {
    case os::TrappedCall::Kind::bind: return on_bind(call);
    case os::TrappedCall::Kind::listen: return on_listen(call);
    case os::TrappedCall::Kind::unlink: return on_unlink(call);
    case os::TrappedCall::Kind::io_uring_setup:
      binds_.tell_once("uses io_uring: what it binds by that is not seen (io_uring: deny forbids it)");
      break;
    case os::TrappedCall::Kind::rename:
    case os::TrappedCall::Kind::other: break;
  }
  return kGoOn;
}

os::Result<BindCall> SeccompBinds::look_at(const os::TrappedCall& call) {
  if (call.thread == 0) return os::fail_with(ESRCH, "a process of another pid namespace");
  const auto pid = os::process_of(call.thread);
  if (!pid) return std::unexpected(pid.error());
  const auto same = os::shares_namespace(call.thread, "net");
  if (!same || !*same) return os::fail_with(EXDEV, "a process of another network namespace");
  auto pidfd = os::pidfd_open(*pid);
  if (!pidfd) return std::unexpected(pidfd.error());
  auto socket = os::fetch_descriptor(*pidfd, call.descriptor);
  if (!socket) return std::unexpected(socket.error());
  const auto put = [this, id = call.id, pid = *pid, number = call.descriptor](os::FdRef left) {
    const auto close_on_exec = os::is_cloexec_in(pid, number);
    return notifier_.put_descriptor(id, left, number, close_on_exec.value_or(true));
  };
  return BindCall{call.thread, *pid, std::move(*pidfd), call.descriptor, std::move(*socket), put};
}

// What cannot be read or fetched is left to the kernel, which knows better what is wrong with it.
std::optional<BindWatch::Reply> SeccompBinds::on_bind(const os::TrappedCall& call) {
  if (call.length > sizeof(sockaddr_storage)) return kGoOn;
  auto seen = look_at(call);
  const auto address = os::read_memory(call.thread, call.address, call.length);
  if (!notifier_.still_waits(call.id)) return std::nullopt;
  if (!seen && (seen.error().code == EPERM || seen.error().code == EXDEV)) {
    binds_.tell_once("binds by itself, since what it binds cannot be seen to: " + seen.error().message());
  }
  if (!seen || !address) return kGoOn;
  return binds_.bind(std::move(*seen), *address);
}

std::optional<BindWatch::Reply> SeccompBinds::on_listen(const os::TrappedCall& call) {
  auto seen = look_at(call);
  if (!notifier_.still_waits(call.id)) return std::nullopt;
  if (!seen) return kGoOn;
  return binds_.listen(std::move(*seen), call.backlog);
}

std::optional<BindWatch::Reply> SeccompBinds::on_unlink(const os::TrappedCall& call) {
  const auto path = os::read_path(call.thread, call.path);
  if (!notifier_.still_waits(call.id)) return std::nullopt;
  if (!path) return kGoOn;
  return binds_.unlink(call.thread, call.descriptor, *path);
}

}  // namespace liveswap::master
