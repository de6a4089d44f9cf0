// Makes what people may see out of the core's state.
#pragma once

#include "core/snapshot.hpp"

namespace liveswap::core {

struct Supervisor;

Snapshot snapshot_of(const Supervisor& s);

}  // namespace liveswap::core
