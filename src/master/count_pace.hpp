// When one worker's connections are looked at again: what counting may cost, and when it is worth it. Pure; whoever
// counts asks and tells.
//
// Counting all of the workers together takes 1 % of the time at most, however many connections they have: a count that
// took T is not repeated before 100 T have passed, times the number of workers that share. A cheap look, at how many
// descriptors are open, tells when something has moved; without that a count is made now and then, since a file may be
// opened in the moment in which a connection is closed. None left is believed only twice, a moment apart.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

#include "core/time.hpp"

namespace liveswap::master {

inline constexpr core::Duration kMoment = std::chrono::milliseconds(50);
inline constexpr core::Duration kUnmoved = std::chrono::seconds(1);
inline constexpr int kRation = 100;

class CountPace {
 public:
  // How long to wait for the next count where nothing has moved.
  void set_unmoved(core::Duration unmoved) { unmoved_ = unmoved; }
  // It may all be different: what was seen before counts no more.
  void begin_anew() {
    moved_ = true;
    none_ = 0;
  }

  // A count has ended that took so long.
  void counted(core::Time now, core::Duration took, bool none_left) {
    last_ = Last{now, took};
    look_ = Last{now, core::Duration::zero()};
    moved_ = false;
    none_ = none_left ? none_ + 1 : 0;
  }
  void looked(core::Time now, core::Duration took, bool moved) {
    look_ = Last{now, took};
    moved_ = moved_ || moved;
  }

  // Nothing is left, twice in a row.
  [[nodiscard]] bool empty() const { return none_ >= 2; }

  // When the next count may be made, by what the last one took, and when it is to be made.
  [[nodiscard]] core::Time may_count(std::size_t sharers) const {
    return last_ ? core::later(last_->ended, ration(last_->took, sharers)) : core::Time::min();
  }
  [[nodiscard]] core::Time next_count(std::size_t sharers) const {
    if (!last_) return core::Time::min();
    const core::Duration wait = none_ == 1 || moved_ ? kMoment : unmoved_;
    return std::max(core::later(last_->ended, wait), may_count(sharers));
  }
  [[nodiscard]] core::Time next_look(std::size_t sharers) const {
    if (!last_) return core::Time::min();
    return core::later(look_->ended, std::max(kMoment, ration(look_->took, sharers)));
  }

 private:
  struct Last {
    core::Time ended{};
    core::Duration took{};
  };
  static core::Duration ration(core::Duration took, std::size_t sharers) {
    return took * kRation * static_cast<core::Duration::rep>(std::max<std::size_t>(sharers, 1));
  }

  core::Duration unmoved_ = kUnmoved;
  std::optional<Last> last_, look_;
  bool moved_ = false;
  int none_ = 0;
};

}  // namespace liveswap::master
