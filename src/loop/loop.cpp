#include "loop/loop.hpp"

#include <uv.h>

#include <cstdlib>

namespace liveswap::loop {

void Loop::Free::operator()(uv_loop_s* loop) const { delete loop; }

Loop::Loop() : owned_(new uv_loop_t), loop_(owned_.get()) {
  if (uv_loop_init(loop_) != 0) std::abort();  // no epoll descriptor to be had: nothing could run
}

Loop::~Loop() {
  if (!owned_) return;
  uv_run(loop_, UV_RUN_NOWAIT);                 // the close callbacks of what was destroyed before us
  if (uv_loop_close(loop_) != 0) std::abort();  // a handle outlives its loop: a bug
}

void Loop::run() {
  running_ = true;
  while (running_) uv_run(loop_, UV_RUN_DEFAULT);
}

void Loop::stop() {
  running_ = false;
  uv_stop(loop_);
}

std::chrono::microseconds Loop::now() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::nanoseconds(uv_hrtime()));
}

}  // namespace liveswap::loop
