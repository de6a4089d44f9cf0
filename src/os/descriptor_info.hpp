// What /proc tells of one descriptor of another process, besides what it is open on. Needs the right to trace it.
#pragma once

#include <sys/types.h>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

// Whether it is registered with one of that process's epolls. An epoll goes by the open file, not by the number: a file
// that is put in its place is not registered.
[[nodiscard]] Result<bool> is_in_epoll(pid_t pid, int descriptor);

[[nodiscard]] Result<bool> is_cloexec_in(pid_t pid, int descriptor);

// Whether descriptors that were sent to this socket of ours (SCM_RIGHTS) have not been received yet. Linux before 5.7
// does not tell: no.
[[nodiscard]] bool holds_descriptors(FdRef socket);

}  // namespace liveswap::os
