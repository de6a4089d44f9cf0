// write(2) to a pipe or a terminal that raises no SIGPIPE, whatever the process does with that signal: its disposition
// is for all of a process, in which we may be a guest. Sockets have MSG_NOSIGNAL instead.
#pragma once

#include <sys/types.h>

#include <string_view>

#include "os/fd.hpp"

namespace liveswap::os {

// As write(2): -1 and errno, EPIPE among them. Repeated for as long as a signal interrupts it.
[[nodiscard]] ssize_t write_quietly(FdRef fd, std::string_view bytes);

}  // namespace liveswap::os
