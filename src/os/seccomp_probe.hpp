// Whether system calls of programs that this process starts can be made to wait for it (os/seccomp_notify.hpp): found
// out by installing a filter that lets every call through.
#pragma once

#include "os/error.hpp"

namespace liveswap::os {

// In a thread of its own, which ends with its filter: nothing of the caller is changed. Fails with EBUSY where a filter
// around this process has a notifier already, ENOSYS or EINVAL where the kernel knows none, EPERM where other processes
// may not be looked into.
[[nodiscard]] Result<void> probe_seccomp_notifier();

}  // namespace liveswap::os
