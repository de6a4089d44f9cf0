#include "loop/loop.hpp"

#include <uv.h>

#include <cstdlib>

#include "loop/watch_set.hpp"

namespace liveswap::loop {

void Loop::Free::operator()(uv_loop_s* loop) const { delete loop; }

Loop::Loop() : owned_(new uv_loop_t), loop_(owned_.get()) {
  if (uv_loop_init(loop_) != 0) std::abort();  // no epoll descriptor to be had: nothing could run
  watches_ = std::make_unique<WatchSet>(loop_);
}

Loop::Loop(uv_loop_s* borrowed) : loop_(borrowed), watches_(std::make_unique<WatchSet>(borrowed)) {}

Loop::~Loop() {
  watches_->close();
  if (!owned_) return;
  // What was destroyed before us still waits for libuv's last word, and may own further handles that then
  // begin to close.
  constexpr int kTurnsMax = 100;
  for (int turn = 0; uv_loop_close(loop_) != 0; ++turn) {
    if (turn == kTurnsMax) std::abort();  // a handle outlives its loop: a bug
    uv_run(loop_, UV_RUN_NOWAIT);
  }
}

void Loop::run() { uv_run(loop_, UV_RUN_DEFAULT); }

void Loop::stop() { uv_stop(loop_); }

std::chrono::microseconds Loop::now() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::nanoseconds(uv_hrtime()));
}

}  // namespace liveswap::loop
