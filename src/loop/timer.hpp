// One deadline at a time. The callback runs once, never before the deadline, at most about a millisecond
// after it.
//
// May be destroyed or started again from inside any callback, its own included; a destroyed timer never
// fires.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "loop/loop.hpp"

namespace liveswap::loop {

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // `deadline` is in Loop::now()'s time; one in the past fires in the next turn of the loop. Replaces an
  // earlier one.
  void start_at(std::chrono::microseconds deadline);
  void start_after(std::chrono::microseconds wait);
  void stop();

 private:
  struct State;
  struct Close {
    void operator()(State* state) const;
  };
  Loop& loop_;
  std::unique_ptr<State, Close> state_;
};

}  // namespace liveswap::loop
