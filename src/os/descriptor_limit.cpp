#include "os/descriptor_limit.hpp"

#include <sys/resource.h>

namespace liveswap::os {

Result<DescriptorLimit> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == -1) return fail("getrlimit RLIMIT_NOFILE");
  const DescriptorLimit before{limit.rlim_cur, limit.rlim_max};
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == -1) return fail("setrlimit RLIMIT_NOFILE");
  return before;
}

}  // namespace liveswap::os
