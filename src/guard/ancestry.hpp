// Who descends from this process.
#pragma once

#include <sys/types.h>

namespace liveswap::guard {

// A process that has ended cannot be told any more: false.
[[nodiscard]] bool descends_from_here(pid_t pid);

}  // namespace liveswap::guard
