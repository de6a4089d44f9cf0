// How long a slot waits before its next worker, and when it gives up. A value inside each slot.
//
// The first death of a worker that had been ready costs no wait: a service that is killed by accident is back
// at once. From then on, and for workers that die before they are ready, the wait is restart.delay, doubling
// up to restart.max_delay. A worker that stays ready for restart.reset_after makes all of it forgotten. With
// a restart.limit the burst-th death within the interval ends the attempts.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "core/plan.hpp"
#include "core/time.hpp"

namespace liveswap::core {

// Configured waits of zero are raised to this, so that a program that cannot live never makes the master
// spin.
inline constexpr Duration kRestartDelayMin = std::chrono::milliseconds(10);

class Backoff {
 public:
  struct Verdict {
    bool gave_up = false;
    Duration wait{};
  };

  // A worker died; `ready_for`: how long it had been ready, if it ever was. `may_give_up`: the limit counts
  // now.
  Verdict died(Time now, const AppPolicy& policy, std::optional<Duration> ready_for, bool may_give_up);

  // A worker said by itself that it leaves. That is no failure and not counted; but one that leaves as soon
  // as it is ready must not be replaced in a tight loop.
  static Duration left(const AppPolicy& policy, Duration ready_for);

  void forget() { *this = Backoff{}; }

  // See archive.hpp.
  template <class Archive>
  void persist(Archive& archive) {
    archive(next_, deaths_);
  }

 private:
  bool over_limit(Time now, const AppPolicy& policy);

  Duration next_{};  // zero: the slot is in good standing
  std::deque<Time> deaths_;
};

}  // namespace liveswap::core
