#include "master/watched_process.hpp"

#include <utility>

namespace liveswap::master {

os::Result<std::unique_ptr<WatchedProcess>> WatchedProcess::open(loop::Loop& loop, Children& children, pid_t pid,
                                                                 os::OwnedFd pidfd, Ended ended) {
  auto process =
      std::unique_ptr<WatchedProcess>(new WatchedProcess(children, pid, std::move(pidfd), std::move(ended)));
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
  children_.forget(pid_);
  watch_.reset();
  const Ended ended = std::exchange(ended_, nullptr);  // it may destroy this
  ended(status ? **status : os::ExitStatus{});
}

}  // namespace liveswap::master
