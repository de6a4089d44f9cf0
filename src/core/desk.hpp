// What every part of the core needs to act: the time of this step, where its actions go, and the timers.
//
// Owned by the Supervisor; `out` is only set while a step runs.
#pragma once

#include <cassert>
#include <utility>

#include "core/action.hpp"
#include "core/timers.hpp"

namespace liveswap::core {

struct Desk {
  Time now{};
  ActionList* out = nullptr;
  Timers timers;

  void act(Action action) {
    assert(out != nullptr);
    out->push_back(std::move(action));
  }
  void tell(Note note) { act(Tell{std::move(note)}); }
};

}  // namespace liveswap::core
