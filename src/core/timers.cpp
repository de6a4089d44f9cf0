#include "core/timers.hpp"

namespace liveswap::core {

void Timers::arm(const TimerKey& key, Time at) {
  disarm(key);
  if (at == kNever) return;
  armed_.emplace(key, at);
  queue_.emplace(at, key);
}

void Timers::disarm(const TimerKey& key) {
  const auto found = armed_.find(key);
  if (found == armed_.end()) return;
  queue_.erase({found->second, key});
  armed_.erase(found);
}

std::optional<Time> Timers::at(const TimerKey& key) const {
  const auto found = armed_.find(key);
  if (found == armed_.end()) return std::nullopt;
  return found->second;
}

Time Timers::next() const { return queue_.empty() ? kNever : queue_.begin()->first; }

std::optional<TimerKey> Timers::take_due(Time now) {
  if (next() > now || queue_.empty()) return std::nullopt;
  const TimerKey key = queue_.begin()->second;
  disarm(key);
  return key;
}

}  // namespace liveswap::core
