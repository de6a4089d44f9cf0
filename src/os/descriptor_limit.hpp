// How many descriptors this process may have open. A supervisor of many children needs several for each, far above the
// soft limit that processes are started with; its children are to have the old limit back, since a program that uses
// select() breaks with descriptors from 1024 on, and some close every number up to the limit.
#pragma once

#include <cstdint>

#include "os/error.hpp"

namespace liveswap::os {

struct DescriptorLimit {
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

// Raises the soft limit as far as the hard one lets it; the result is what was before.
[[nodiscard]] Result<DescriptorLimit> raise_descriptor_limit();

// How many more descriptors can be opened now, counted up to `enough`.
[[nodiscard]] std::uint64_t spare_descriptors(std::uint64_t enough);

}  // namespace liveswap::os
