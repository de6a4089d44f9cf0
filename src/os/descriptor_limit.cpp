#include "os/descriptor_limit.hpp"

#include <sys/eventfd.h>
#include <sys/resource.h>

#include <utility>
#include <vector>

#include "os/fd.hpp"

namespace liveswap::os {

Result<DescriptorLimit> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == -1) return fail("getrlimit RLIMIT_NOFILE");
  const DescriptorLimit before{limit.rlim_cur, limit.rlim_max};
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) == -1) return fail("setrlimit RLIMIT_NOFILE");
  return before;
}

std::uint64_t spare_descriptors(std::uint64_t enough) {
  std::vector<OwnedFd> opened;
  while (opened.size() < enough) {
    OwnedFd fd{adopt, ::eventfd(0, EFD_CLOEXEC)};
    if (!fd) break;
    opened.push_back(std::move(fd));
  }
  return opened.size();
}

}  // namespace liveswap::os
