#include "master/queue_watch.hpp"

#include <utility>

namespace liveswap::master {
namespace {

constexpr int kEmptyLooks = 2;

}  // namespace

QueueWatch::QueueWatch(loop::Loop& loop, std::function<bool()> is_empty, std::function<void()> quiet)
    : is_empty_(std::move(is_empty)), quiet_(std::move(quiet)), timer_(loop, [this] { look(); }) {
  look();
}

void QueueWatch::look() {
  empty_in_a_row_ = is_empty_() ? empty_in_a_row_ + 1 : 0;
  if (empty_in_a_row_ >= kEmptyLooks) return quiet_();
  timer_.start_after(kQueueWatchInterval);
}

}  // namespace liveswap::master
