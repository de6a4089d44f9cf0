// liveswap-launch: runs once for each worker, between the master's spawn and the worker's program, and
// becomes that program. It sets up what can only be set up inside the new process.
//
//   receive PLAN, DESCRIPTORS … GO  ──▶  the steps of steps.def, in order  ──▶  EXECUTING, execve
//                   │                                 │                                │
//                   └──────── what went wrong: FAILED {step, object, errno}, exit 127 ─┘
//
// It allocates nothing but pages for the argument vectors, and holds no state outside run().
#pragma once

namespace liveswap::launch {

inline constexpr int kChannelNumber = 3;  // where the master puts the channel
inline constexpr int kExitStatus = 127;   // of a launcher that could not become the program, as a shell's

// Only returns if the program was not executed; the result is the exit status.
[[nodiscard]] int run();

}  // namespace liveswap::launch
