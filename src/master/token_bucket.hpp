// How often something may happen: so many at once, and so many a second in the long run. Pure.
#pragma once

#include <algorithm>
#include <chrono>

namespace liveswap::master {

class TokenBucket {
 public:
  TokenBucket(double burst, double per_second, std::chrono::microseconds now)
      : burst_(burst), per_second_(per_second), tokens_(burst), filled_(now) {}

  // Whether it may happen now; then it counts.
  bool take(std::chrono::microseconds now) {
    const std::chrono::duration<double> passed = now - filled_;
    tokens_ = std::min(burst_, tokens_ + passed.count() * per_second_);
    filled_ = now;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

 private:
  double burst_;
  double per_second_;
  double tokens_;
  std::chrono::microseconds filled_;
};

}  // namespace liveswap::master
