// Actions and events as lines of text, for traces and for tests that compare them whole.
#pragma once

#include <string>

#include "core/action.hpp"
#include "core/event.hpp"

namespace sim {

// What is asked of the shell reads as an order, "spawn w1 as g1/0 of r1"; a Tell begins with a dot.
std::string render(const liveswap::core::Action& action);
std::string render(const liveswap::core::Event& event);

}  // namespace sim
