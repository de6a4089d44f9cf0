// What Timer, Deferred and WatchSet share: a libuv handle whose memory outlives its owner until libuv lets go
// of it, so that an owner may be destroyed at any time, from inside its own callback too. Private to
// src/loop.
#pragma once

#include <uv.h>

#include <utility>

namespace liveswap::loop {

template <class Handle, class Callback>
struct HandleState {
  Handle handle{};
  Callback callback;

  virtual ~HandleState() = default;  // libuv's last callback knows only this type
  HandleState(const HandleState&) = delete;
  HandleState& operator=(const HandleState&) = delete;
  explicit HandleState(Callback to_call) : callback(std::move(to_call)) { handle.data = this; }

  static HandleState* of(Handle* handle) { return static_cast<HandleState*>(handle->data); }

  // Gives the state to libuv, which calls nothing of it any more, and frees it in a later turn of the loop.
  // The callback lives on until then, because it may be the very one that is running.
  void close() {
    uv_close(reinterpret_cast<uv_handle_t*>(&handle),
             [](uv_handle_t* closed) { delete static_cast<HandleState*>(closed->data); });
  }
};

}  // namespace liveswap::loop
