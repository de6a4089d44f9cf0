// From one guardian to the next, which is another binary in the same process: what it keeps stays open over the exec,
// and a memory file says what each descriptor is.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <vector>

#include "guard/store.hpp"

namespace liveswap::guard {

// Of fixed width, and only ever grown at the end: a newer guardian reads what an older one has written.
struct Legacy {
  std::uint32_t size = sizeof(Legacy);
  std::int32_t master = 0;  // its pid; 0: it is no child of ours
  std::int32_t channel = -1, program = -1, parent = -1;
  std::uint32_t deaths = 0, unestablished = 0, quick = 0, established = 0;
  std::uint32_t last_kind = 0;
  std::int32_t last_code = 0;
  std::int32_t oom_score = 0;
  std::int64_t started_ms = 0;
  std::uint64_t descriptors_soft = 0, descriptors_hard = 0;
  std::uint32_t entries = 0;  // Store::Entry, behind this
};

// Executes that program in this process's place. Comes back only with an errno, and then nothing has changed.
[[nodiscard]] int hand_over(int program, Legacy legacy, const Store& store, char** arguments, char** environment);

// What the guardian before has left in that memory file, which is closed. False: it cannot be read.
[[nodiscard]] bool take_over(int image, Legacy& legacy, Store& store);

}  // namespace liveswap::guard
