// What the tests of steering share: policies of apps with steered listeners, the shell's word, and how far an upgrade
// has got.
#pragma once

#include <string>

#include "stage.hpp"

namespace stage {

inline AppPolicy steered_policy(std::uint32_t workers, Leaving leaving = Leaving::asked_when_starved) {
  AppPolicy policy = policy_of(workers);
  policy.leaving = leaving;
  return policy;
}

inline AppPolicy rolling_steered(std::uint32_t workers, std::uint32_t surge, std::uint32_t unavailable) {
  AppPolicy policy = rolling_policy(workers, surge, unavailable);
  policy.leaving = Leaving::asked_when_starved;
  return policy;
}

inline std::string steered(Stage& s) { return s.step(Steered{kWeb}); }
inline std::string not_steered(Stage& s) { return s.step(SteerFailed{kWeb, "setsockopt: Cannot allocate memory"}); }

// web with its first workers ready and steered to.
inline void run_steered(Stage& s, const AppPolicy& policy) {
  s.step(Begun{});
  s.prepared(1, policy);
  steered(s);
  for (std::uint64_t worker = 1; worker <= policy.workers; ++worker) {
    if (s.up(worker).find("steer web") != std::string::npos) steered(s);
  }
}

// An upgrade from w1 of g1 to w2 of g2 whose commit waits for the shell's word.
inline void upgrade_to_w2(Stage& s, const AppPolicy& policy) {
  run_steered(s, policy);
  s.upgrade(policy);
  s.up(2);
}

// w1 is starved, and w2 serves.
inline void starve_w1(Stage& s, const AppPolicy& policy) {
  upgrade_to_w2(s, policy);
  steered(s);
}


}  // namespace stage
