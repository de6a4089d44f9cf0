#include "master/watched_process.hpp"

#include <chrono>
#include <utility>

namespace liveswap::master {
namespace {

constexpr auto kPatience = std::chrono::seconds(2);

}  // namespace

WatchedProcess::WatchedProcess(loop::Loop& loop, Children& children, pid_t pid, os::OwnedFd pidfd, Ended ended,
                               KeptPart kept)
    : children_(children),
      pid_(pid),
      pidfd_(std::move(pidfd)),
      kept_(std::move(kept)),
      ended_(std::move(ended)),
      patience_(loop, [this] { end({}); }) {}

os::Result<std::unique_ptr<WatchedProcess>> WatchedProcess::open(loop::Loop& loop, Children& children, pid_t pid,
                                                                 os::OwnedFd pidfd, Ended ended, KeptPart kept) {
  auto process = std::unique_ptr<WatchedProcess>(
      new WatchedProcess(loop, children, pid, std::move(pidfd), std::move(ended), std::move(kept)));
  auto watch = loop::FdWatch::open(loop, process->pidfd_, {.readable = true},
                                   [self = process.get()](loop::Readiness) { self->look(); });
  if (!watch) return std::unexpected(watch.error());
  process->watch_ = std::move(*watch);
  children.remember(pid, [self = process.get()] { self->look(); });
  return process;
}

WatchedProcess::~WatchedProcess() {
  children_.forget(pid_);
  watch_.reset();
  if (ended_) children_.leave(std::move(pidfd_));
}

void WatchedProcess::look() {
  const auto status = os::wait_pidfd(pidfd_);
  if (status && !*status) return;
  const bool known = status && (*status)->kind != os::ExitStatus::Kind::unknown;
  if (known) return end(**status);
  watch_.reset();
  const auto told = children_.take_ended_elsewhere(pid_);
  if (told || !is_guardians_) return end(told.value_or(os::ExitStatus{}));
  patience_.start_after(kPatience);
}

void WatchedProcess::end(const os::ExitStatus& status) {
  children_.forget(pid_);
  watch_.reset();
  patience_.stop();
  kept_ = {};
  const Ended ended = std::exchange(ended_, nullptr);  // it may destroy this
  ended(status);
}

}  // namespace liveswap::master
