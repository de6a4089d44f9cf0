// Pipes: both ends close-on-exec from the call that makes them.
#pragma once

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

struct Pipe {
  OwnedFd read;
  OwnedFd write;
};
[[nodiscard]] Result<Pipe> open_pipe(int flags = 0);  // O_NONBLOCK, of both ends

}  // namespace liveswap::os
