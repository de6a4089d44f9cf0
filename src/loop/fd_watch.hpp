// Watches one descriptor, level-triggered: the callback is called again for as long as there is something to
// do.
//
// Borrows the descriptor, which must stay open until the watch is destroyed, and which only one watch may
// have at a time. libuv makes it non-blocking, so never watch an open file that others share (a listener of
// workers, a standard output that came from outside). May be destroyed from inside any callback, its own
// included.
#pragma once

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
  struct State;
  struct Close {
    void operator()(State* state) const;
  };
  explicit FdWatch(std::unique_ptr<State, Close> state);
  std::unique_ptr<State, Close> state_;
};

}  // namespace liveswap::loop
