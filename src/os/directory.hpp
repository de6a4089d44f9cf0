// Directories that nobody else may tamper with: the runtime and the state directory. What is found there
// (sockets, pids, a state file) is believed because only this user could have put it there, so this is
// checked first.
#pragma once

#include <sys/types.h>

#include <string>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

// Opens the directory; what is missing of the path is made, with this mode whatever the umask. It must be no
// symbolic link, belong to our user and be writable by nobody else. On the way to it, a directory in which
// everyone may create files must be sticky (as /tmp is), and what lies in it must be ours or root's and no
// symbolic link, since anybody could have planted it. Errors say what is wrong with which directory, and what
// helps.
[[nodiscard]] Result<OwnedFd> open_private_directory(const std::string& path, mode_t mode);

}  // namespace liveswap::os
