// Puts the calling thread's signal mask and the process's dispositions to what a program expects at its
// start: none blocked, all default. For liveswap-launch, right before the exec. It goes past libc, since
// glibc's posix_spawn leaves the two signals ignored that its threads use (32 and 33), and its sigaction
// refuses to touch them.
#pragma once

namespace liveswap::os {

void reset_signal_state();

}  // namespace liveswap::os
