#include "master/count_queue.hpp"

#include <utility>

namespace liveswap::master {
namespace {

constexpr core::Duration kSlice = std::chrono::milliseconds(2);  // of the loop's time; a step more may follow

}  // namespace

void CountQueue::add(core::WorkerId worker) {
  if (!unfinished_.insert(worker).second) return;
  waiting_.push_back(worker);
  slices_.schedule();
}

std::optional<CountResult> CountQueue::count_now(core::WorkerId worker, core::Duration at_most) const {
  const core::Time give_up_at = core::later(now(), at_most);
  auto task = task_of_(worker);
  if (!task) return std::nullopt;
  ConnectionCount count(std::move(*task));
  while (!count.step()) {
    if (now() >= give_up_at) return std::nullopt;
  }
  return count.result();
}

void CountQueue::slice() {
  const core::Time begun = now();
  if (!running_) begin_next();
  core::Time present = now();
  bool done = !running_->count;
  while (!done && present < begun + kSlice) {
    done = running_->count->step();
    present = now();
  }
  running_->took += present - begun;
  if (done) end_running();
  if (running_ || !waiting_.empty()) slices_.schedule();
}

void CountQueue::begin_next() {
  running_.emplace(Running{.worker = waiting_.front(), .count = std::nullopt});
  waiting_.pop_front();
  if (auto task = task_of_(running_->worker)) running_->count.emplace(std::move(*task));
}

void CountQueue::end_running() {
  Running ended = std::move(*running_);
  running_.reset();
  unfinished_.erase(ended.worker);
  std::optional<CountResult> result;
  if (ended.count) result = ended.count->result();
  ended_(ended.worker, std::move(result), ended.took);
}

}  // namespace liveswap::master
