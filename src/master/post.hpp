// How a part of the master tells what it has learnt: into the inbox, from which one place feeds the core.
#pragma once

#include <functional>

#include "core/event.hpp"

namespace liveswap::master {

using Post = std::function<void(core::Event)>;

}  // namespace liveswap::master
