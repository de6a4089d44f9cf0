#include "loop/loop.hpp"

#include <uv.h>

#include <cstdlib>
#include <utility>

#include "loop/watch_set.hpp"

namespace liveswap::loop {

void Loop::Free::operator()(uv_loop_s* loop) const { delete loop; }

os::Result<std::unique_ptr<Loop>> Loop::open(uv_loop_s* borrowed) {
  std::unique_ptr<Loop> loop(new Loop(Unprepared{}));
  if (auto prepared = loop->prepare(borrowed); !prepared) return std::unexpected(prepared.error());
  return loop;
}

Loop::Loop(Unprepared) {}

Loop::Loop() {
  if (!prepare(nullptr)) std::abort();
}

Loop::Loop(uv_loop_s* borrowed) {
  if (!prepare(borrowed)) std::abort();
}

os::Result<void> Loop::prepare(uv_loop_s* borrowed) {
  if (borrowed == nullptr) {
    std::unique_ptr<uv_loop_s> own(new uv_loop_t);
    if (const int code = uv_loop_init(own.get()); code != 0) return os::fail_with(-code, "uv_loop_init");
    owned_.reset(own.release());
  }
  loop_ = owned_ ? owned_.get() : borrowed;
  auto watches = WatchSet::open(loop_);
  if (!watches) return std::unexpected(watches.error());
  watches_ = std::move(*watches);
  return {};
}

Loop::~Loop() {
  if (watches_) watches_->close();
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

void Loop::run_once() { uv_run(loop_, UV_RUN_ONCE); }

void Loop::stop() { uv_stop(loop_); }

std::chrono::microseconds Loop::now() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::nanoseconds(uv_hrtime()));
}

}  // namespace liveswap::loop
