#include "loop/deferred.hpp"

#include "loop/handle.hpp"

namespace liveswap::loop {

// An active idle handle makes libuv poll without waiting; it is active only from schedule() until it has run.
struct Deferred::State : HandleState<uv_idle_t, std::function<void()>> {
  using HandleState::HandleState;
};

void Deferred::Close::operator()(State* state) const { state->close(); }

Deferred::Deferred(Loop& loop, std::function<void()> callback) : state_(new State(std::move(callback))) {
  uv_idle_init(loop.raw(), &state_->handle);
}

Deferred::~Deferred() = default;

void Deferred::schedule() {
  uv_idle_start(&state_->handle, [](uv_idle_t* handle) {
    uv_idle_stop(handle);
    State::of(handle)->callback();
  });
}

}  // namespace liveswap::loop
