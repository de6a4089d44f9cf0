// The event loop: one uv_loop_t, owned or borrowed, and the clock that everything in the master is timed by.
//
// Lives longer than every Timer, FdWatch and Deferred made on it. An owned loop is closed by the destructor,
// which first lets the handles finish that were destroyed but whose memory libuv still holds. Of a borrowed one the
// handles finish in its next turn, which is its owner's to run. One thread only.
#pragma once

#include <chrono>
#include <memory>

#include "os/error.hpp"

struct uv_loop_s;

namespace liveswap::loop {

class WatchSet;

class Loop {
 public:
  // A loop of its own, or the caller's. The error: no descriptor is to be had.
  [[nodiscard]] static os::Result<std::unique_ptr<Loop>> open(uv_loop_s* borrowed = nullptr);

  // The same for whoever cannot go on without: an error aborts.
  Loop();
  explicit Loop(uv_loop_s* borrowed);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void run();       // until stop(), or until nothing is left that could ever call back
  void run_once();  // waits until something has called back
  void stop();      // from inside a callback: run() returns once this turn of the loop is over

  // CLOCK_MONOTONIC, read now: not libuv's cached milliseconds.
  [[nodiscard]] std::chrono::microseconds now() const;

  [[nodiscard]] uv_loop_s* raw() const { return loop_; }
  [[nodiscard]] WatchSet& watches() const { return *watches_; }  // for FdWatch

 private:
  struct Free {
    void operator()(uv_loop_s* loop) const;
  };
  struct Unprepared {};
  explicit Loop(Unprepared);
  [[nodiscard]] os::Result<void> prepare(uv_loop_s* borrowed);

  std::unique_ptr<uv_loop_s, Free> owned_;
  uv_loop_s* loop_ = nullptr;
  std::unique_ptr<WatchSet> watches_;
};

}  // namespace liveswap::loop
