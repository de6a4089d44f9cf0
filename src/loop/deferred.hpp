// Runs a callback once, soon: in the next turn of the loop, after the present callback has returned.
//
// An idle loop is not kept awake: nothing happens without schedule(). Scheduling again before it ran changes
// nothing. May be destroyed from inside any callback, its own included.
#pragma once

#include <functional>
#include <memory>

#include "loop/loop.hpp"

namespace liveswap::loop {

class Deferred {
 public:
  Deferred(Loop& loop, std::function<void()> callback);
  ~Deferred();
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;

  void schedule();

 private:
  struct State;
  struct Close {
    void operator()(State* state) const;
  };
  std::unique_ptr<State, Close> state_;
};

}  // namespace liveswap::loop
