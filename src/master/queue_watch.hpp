// Waits until queues that get nothing new have run empty: twice in a row, a moment apart, since a handshake that was
// under way may still put a connection in.
//
// Owned by Listeners, one for each app that is being stopped, and by each worker that is being starved; it looks only
// as long as it is needed. Destroying it ends the wait.
#pragma once

#include <chrono>
#include <functional>

#include "loop/timer.hpp"

namespace liveswap::master {

inline constexpr std::chrono::milliseconds kQueueWatchInterval{50};

class QueueWatch {
 public:
  // `quiet` is called once, from the loop.
  QueueWatch(loop::Loop& loop, std::function<bool()> is_empty, std::function<void()> quiet);

 private:
  void look();

  std::function<bool()> is_empty_;
  std::function<void()> quiet_;
  int empty_in_a_row_ = 0;
  loop::Timer timer_;
};

}  // namespace liveswap::master
