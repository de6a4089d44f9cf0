#include "loop/timer.hpp"

#include <algorithm>
#include <cstdint>

#include "loop/handle.hpp"

namespace liveswap::loop {

struct Timer::State : HandleState<uv_timer_t, std::function<void()>> {
  using HandleState::HandleState;
};

void Timer::Close::operator()(State* state) const { state->close(); }

Timer::Timer(Loop& loop, std::function<void()> callback)
    : loop_(loop), state_(new State(std::move(callback))) {
  uv_timer_init(loop.raw(), &state_->handle);
}

Timer::~Timer() = default;

void Timer::start_at(std::chrono::microseconds deadline) {
  // libuv counts whole milliseconds of the same clock, rounded down, from a cached reading: aim at the first
  // millisecond that is not before the deadline.
  uv_update_time(loop_.raw());
  const auto target = std::chrono::ceil<std::chrono::milliseconds>(deadline).count();
  const auto present = static_cast<std::int64_t>(uv_now(loop_.raw()));
  const auto wait = static_cast<std::uint64_t>(std::max<std::int64_t>(0, target - present));
  uv_timer_start(
      &state_->handle, [](uv_timer_t* handle) { State::of(handle)->callback(); }, wait, 0);
}

void Timer::start_after(std::chrono::microseconds wait) { start_at(loop_.now() + wait); }

void Timer::stop() { uv_timer_stop(&state_->handle); }

}  // namespace liveswap::loop
