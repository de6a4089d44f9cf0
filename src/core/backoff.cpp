#include "core/backoff.hpp"

#include <algorithm>

namespace liveswap::core {

namespace {

Duration first_wait(const AppPolicy& policy) {
  return std::max(std::min(policy.restart_delay, policy.restart_max_delay), kRestartDelayMin);
}

Duration doubled(Duration wait, const AppPolicy& policy) {
  const Duration most = std::max(policy.restart_max_delay, kRestartDelayMin);
  return wait > most / 2 ? most : 2 * wait;
}

}  // namespace

Backoff::Verdict Backoff::died(Time now, const AppPolicy& policy, std::optional<Duration> ready_for,
                               bool may_give_up) {
  if (ready_for && *ready_for >= policy.restart_reset_after) forget();
  if (may_give_up && over_limit(now, policy)) return {.gave_up = true, .wait = {}};
  if (next_ == Duration::zero()) {
    next_ = first_wait(policy);
    if (ready_for) return {};
  }
  const Duration wait = next_;
  next_ = doubled(next_, policy);
  return {.gave_up = false, .wait = wait};
}

Duration Backoff::left(const AppPolicy& policy, Duration ready_for) {
  const Duration gap = first_wait(policy);
  return ready_for >= gap ? Duration::zero() : gap;
}

// Only the latest `burst` deaths matter, so no more are kept.
bool Backoff::over_limit(Time now, const AppPolicy& policy) {
  if (!policy.restart_limit || policy.restart_limit->burst == 0) return false;
  deaths_.push_back(now);
  while (deaths_.size() > policy.restart_limit->burst) deaths_.pop_front();
  return deaths_.size() == policy.restart_limit->burst &&
         now - deaths_.front() <= policy.restart_limit->interval;
}

}  // namespace liveswap::core
