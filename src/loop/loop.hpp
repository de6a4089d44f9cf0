// The event loop: one uv_loop_t, owned or borrowed, and the clock that everything in the master is timed by.
//
// Lives longer than every Timer, FdWatch and Deferred made on it. An owned loop is closed by the destructor,
// which first lets the handles finish that were destroyed but whose memory libuv still holds. One thread
// only.
#pragma once

#include <chrono>
#include <memory>

struct uv_loop_s;

namespace liveswap::loop {

class WatchSet;

class Loop {
 public:
  Loop();
  explicit Loop(uv_loop_s* borrowed);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();   // until stop(), or until nothing is left that could ever call back
  void stop();  // from inside a callback: run() returns once this turn of the loop is over

  // CLOCK_MONOTONIC, read now: not libuv's cached milliseconds.
  [[nodiscard]] std::chrono::microseconds now() const;

  [[nodiscard]] uv_loop_s* raw() const { return loop_; }
  [[nodiscard]] WatchSet& watches() const { return *watches_; }  // for FdWatch

 private:
  struct Free {
    void operator()(uv_loop_s* loop) const;
  };
  std::unique_ptr<uv_loop_s, Free> owned_;
  uv_loop_s* loop_ = nullptr;
  std::unique_ptr<WatchSet> watches_;
};

}  // namespace liveswap::loop
