#include "loop/fd_watch.hpp"

#include <utility>

#include "loop/watch_set.hpp"

namespace liveswap::loop {

FdWatch::FdWatch(WatchSet& set, std::uint64_t id) : set_(set), id_(id) {}
FdWatch::~FdWatch() { set_.remove(id_); }

os::Result<std::unique_ptr<FdWatch>> FdWatch::open(Loop& loop, os::FdRef fd, Readiness wanted,
                                                   Callback callback) {
  const auto id = loop.watches().add(fd, wanted, std::move(callback));
  if (!id) return os::fail_with(id.error(), "watch(" + std::to_string(fd.get()) + ")");
  return std::unique_ptr<FdWatch>(new FdWatch(loop.watches(), *id));
}

void FdWatch::want(Readiness wanted) { set_.want(id_, wanted); }

}  // namespace liveswap::loop
