// Goal: the core's arithmetic: capacity, back-off, timers.

#include <doctest/doctest.h>

#include "core/backoff.hpp"
#include "core/capacity.hpp"
#include "core/timers.hpp"
#include "stage.hpp"

using namespace stage;

TEST_CASE("percentages of surge are rounded up, of unavailable down") {
  AppPolicy policy;
  policy.max_surge = {25, true};
  policy.max_unavailable = {25, true};
  CHECK(surge_of(policy, 5) == 2);
  CHECK(unavailable_of(policy, 5) == 1);
  CHECK(surge_of(policy, 4) == 1);
  CHECK(unavailable_of(policy, 3) == 0);
  policy.max_surge = {3, false};
  CHECK(surge_of(policy, 100) == 3);
  policy.max_surge = {UINT32_MAX, true};
  CHECK(surge_of(policy, UINT32_MAX) == UINT32_MAX);
}

TEST_CASE("where both come out as none, one may be unavailable") {
  const AppPolicy policy = rolling_policy(4, 0, 0);
  CHECK(unavailable_of(policy, 4) == 1);
  CHECK(unavailable_of(rolling_policy(4, 1, 0), 4) == 0);
}

TEST_CASE("a rollout's capacity is bounded by the larger and the smaller number of workers") {
  const Capacity up = capacity_of(rolling_policy(8, 2, 1), 4, 8);
  CHECK(up.living_max == 10);
  CHECK(up.ready_min == 3);
  const Capacity down = capacity_of(rolling_policy(2, 2, 5), 4, 2);
  CHECK(down.living_max == 6);
  CHECK(down.ready_min == 0);
  CHECK(capacity_of(rolling_policy(3, 1, 0), 0, 3).ready_min == 0);
}

TEST_CASE(
    "back-off: at once after the first death in service, then from restart.delay doubling to the maximum") {
  AppPolicy policy;
  policy.restart_max_delay = 350ms;
  Backoff backoff;
  const Time now{};
  std::vector<Duration> waits;
  for (int i = 0; i < 4; ++i) waits.push_back(backoff.died(now, policy, 1s, true).wait);
  CHECK(waits == std::vector<Duration>{0ms, 100ms, 200ms, 350ms});
  CHECK(backoff.died(now, policy, 60s, true).wait == 0ms);
  CHECK(Backoff{}.died(now, policy, std::nullopt, true).wait == 100ms);
}

TEST_CASE("back-off without delays still never spins") {
  AppPolicy policy;
  policy.restart_delay = 0s;
  policy.restart_max_delay = 0s;
  Backoff backoff;
  CHECK(backoff.died(Time{}, policy, std::nullopt, true).wait == kRestartDelayMin);
  CHECK(backoff.died(Time{}, policy, std::nullopt, true).wait == kRestartDelayMin);
  CHECK(Backoff::left(policy, 0s) == kRestartDelayMin);
  CHECK(Backoff::left(policy, kRestartDelayMin) == 0s);
}

TEST_CASE("back-off gives up at the burst-th death within the interval, but not where it may not") {
  AppPolicy policy;
  policy.restart_limit = RestartLimit{2, 10s};
  Backoff backoff;
  CHECK_FALSE(backoff.died(Time{} + 0s, policy, std::nullopt, true).gave_up);
  CHECK_FALSE(backoff.died(Time{} + 5s, policy, std::nullopt, false).gave_up);
  CHECK_FALSE(backoff.died(Time{} + 11s, policy, std::nullopt, true).gave_up);
  CHECK(backoff.died(Time{} + 21s, policy, std::nullopt, true).gave_up);
}

TEST_CASE("timers come due in order of time, can be moved, and end with what they belong to") {
  Timers timers;
  CHECK(timers.next() == kNever);
  timers.arm(state_timer(WorkerId{1}), Time{} + 2s);
  timers.arm(state_timer(WorkerId{2}), Time{} + 1s);
  timers.arm(request_timer(RequestId{1}), Time{} + 3s);
  timers.arm(state_timer(WorkerId{2}), Time{} + 4s);
  timers.arm(kShutdownDelay, kNever);
  timers.disarm(request_timer(RequestId{1}));
  CHECK(timers.next() == Time{} + 2s);
  CHECK_FALSE(timers.take_due(Time{} + 1s));
  CHECK(timers.take_due(Time{} + 9s) == state_timer(WorkerId{1}));
  CHECK(timers.at(state_timer(WorkerId{2})) == Time{} + 4s);
  CHECK(timers.take_due(Time{} + 9s) == state_timer(WorkerId{2}));
  CHECK_FALSE(timers.take_due(Time{} + 9s));
}
