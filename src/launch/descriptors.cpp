// Steps: descriptors get the numbers that the plan gives them, and all others are closed.
#include "launch/steps.hpp"
#include "launch/system.hpp"

namespace liveswap::launch {
namespace {

constexpr int kFirstOwn = 3;  // 0, 1 and 2 stay as they are where the plan does not place them

// One above every number that something will be put at, so that nothing there is overwritten on the way.
int first_free_number(const wire::LaunchPlanView& plan) {
  std::uint32_t highest = kFirstOwn - 1;
  if (const std::uint32_t count = plan.placement_count(); count > 0) {
    const std::uint32_t last = plan.placement(count - 1).target;  // targets ascend
    highest = last > highest ? last : highest;
  }
  const std::uint32_t channel = plan.channel_target().value_or(0);
  return static_cast<int>(channel > highest ? channel : highest) + 1;
}

// The same open file, close-on-exec, at a number of at least `at_least`; the old number is closed with all
// others at the end.
long move_up(int fd, int at_least) { return sys::call(SYS_fcntl, fd, F_DUPFD_CLOEXEC, at_least); }

long put_at(int fd, std::uint32_t number) { return sys::call_uninterrupted(SYS_dup3, fd, number, 0); }

Failure failure(Launch& launch, std::uint64_t number, long result) {
  launch.scratch.clear();
  return {launch.scratch.add(number).view(), static_cast<int>(-result)};
}

// Closes from `first` to the number before `end`.
long close_between(std::uint32_t first, std::uint32_t end) {
  return first < end ? sys::call(SYS_close_range, first, end - 1, 0) : 0;
}

}  // namespace

Failure place_descriptors(Launch& launch) {
  const wire::LaunchPlanView& plan = launch.plan;
  const int free = first_free_number(plan);
  const long channel = move_up(launch.channel.fd(), free);  // always: at 3 it is not close-on-exec
  if (channel < 0) return {"channel", static_cast<int>(-channel)};
  launch.channel.moved_to(static_cast<int>(channel));
  for (std::uint32_t i = 0; i < launch.received.count; ++i) {
    if (launch.received.fds[i] >= free) continue;
    const long moved = move_up(launch.received.fds[i], free);
    if (moved < 0) return failure(launch, i, moved);
    launch.received.fds[i] = static_cast<int>(moved);
  }
  for (std::uint32_t i = 0; i < plan.placement_count(); ++i) {
    const wire::Placement placement = plan.placement(i);
    const long result = put_at(launch.received.fds[placement.source], placement.target);
    if (result < 0) return failure(launch, placement.target, result);
  }
  if (const auto target = plan.channel_target()) {
    const long result = put_at(launch.channel.fd(), *target);
    if (result < 0) return failure(launch, *target, result);
  }
  return {};
}

// Whatever the master has leaked into this process does not reach the program. The launcher's own end of the
// channel is left, close-on-exec: a failing exec is still to be reported.
Failure close_others(Launch& launch) {
  const wire::LaunchPlanView& plan = launch.plan;
  const std::uint32_t own_channel = static_cast<std::uint32_t>(launch.channel.fd());
  std::uint32_t next = kFirstOwn;  // the lowest number not yet decided on
  long result = 0;
  const auto keep = [&](std::uint32_t number) {
    if (number < next) return;
    if (result >= 0) result = close_between(next, number);
    next = number + 1;
  };
  const std::uint32_t channel = plan.channel_target().value_or(own_channel);
  for (std::uint32_t i = 0; i < plan.placement_count(); ++i) {
    const std::uint32_t target = plan.placement(i).target;
    if (channel < target) keep(channel);
    keep(target);
  }
  keep(channel);
  keep(own_channel);
  if (result >= 0) result = sys::call(SYS_close_range, next, ~std::uint32_t{0}, 0);
  return {"", result < 0 ? static_cast<int>(-result) : 0};
}

}  // namespace liveswap::launch
