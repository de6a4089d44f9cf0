// Watches one descriptor, level-triggered: the callback is called again for as long as there is something to
// do.
//
// Borrows the descriptor, which must stay open until the watch is destroyed, and which only one watch may
// have at a time. It is left as it is: whoever reads and writes it must not wait (O_NONBLOCK, MSG_DONTWAIT). May be
// destroyed from inside any callback, its own included.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "loop/loop.hpp"
#include "os/fd.hpp"

namespace liveswap::loop {

struct Readiness {
  bool readable = false;  // also at the end of the stream, and on an error, which reading then tells
  bool writable = false;
  bool urgent = false;  // POLLPRI: files of the kernel (cgroup.events) say with it that they have changed

  bool operator==(const Readiness&) const = default;
};

class FdWatch {
 public:
  using Callback = std::function<void(Readiness)>;

  // Watches from now on for what `wanted` has; for nothing where it has nothing.
  [[nodiscard]] static os::Result<std::unique_ptr<FdWatch>> open(Loop& loop, os::FdRef fd, Readiness wanted,
                                                                 Callback callback);
  ~FdWatch();
  FdWatch(const FdWatch&) = delete;
  FdWatch& operator=(const FdWatch&) = delete;

  void want(Readiness wanted);

 private:
  FdWatch(WatchSet& set, std::uint64_t id);

  WatchSet& set_;
  std::uint64_t id_;
};

}  // namespace liveswap::loop
