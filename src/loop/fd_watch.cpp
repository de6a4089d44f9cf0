#include "loop/fd_watch.hpp"

#include "loop/handle.hpp"

namespace liveswap::loop {

struct FdWatch::State : HandleState<uv_poll_t, FdWatch::Callback> {
  using HandleState::HandleState;
  Readiness wanted;
};

void FdWatch::Close::operator()(State* state) const { state->close(); }

FdWatch::FdWatch(std::unique_ptr<State, Close> state) : state_(std::move(state)) {}
FdWatch::~FdWatch() = default;

os::Result<std::unique_ptr<FdWatch>> FdWatch::open(Loop& loop, os::FdRef fd, Readiness wanted,
                                                   Callback callback) {
  auto state = std::make_unique<State>(std::move(callback));
  if (const int error = uv_poll_init(loop.raw(), &state->handle, fd.get()); error != 0) {
    return os::fail_with(-error, "watch(" + std::to_string(fd.get()) + ")");  // the handle was never opened
  }
  auto watch = std::unique_ptr<FdWatch>(new FdWatch(std::unique_ptr<State, Close>(state.release())));
  watch->want(wanted);
  return watch;
}

void FdWatch::want(Readiness wanted) {
  state_->wanted = wanted;
  const int events = (wanted.readable ? UV_READABLE : 0) | (wanted.writable ? UV_WRITABLE : 0) |
                     (wanted.urgent ? UV_PRIORITIZED : 0);
  if (events == 0) {
    uv_poll_stop(&state_->handle);
    return;
  }
  uv_poll_start(&state_->handle, events, [](uv_poll_t* handle, int status, int ready) {
    auto* state = static_cast<State*>(State::of(handle));
    if (status != 0) {  // an error state: whatever is tried next will tell it
      state->callback(state->wanted);
      return;
    }
    state->callback({(ready & UV_READABLE) != 0, (ready & UV_WRITABLE) != 0, (ready & UV_PRIORITIZED) != 0});
  });
}

}  // namespace liveswap::loop
