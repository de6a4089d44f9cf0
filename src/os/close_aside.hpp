// Closes what another process has too, or has given, without ever waiting. If that process has just closed its own,
// this one is the last, and the last close can take as long as the process likes: of a TCP socket with SO_LINGER, which
// waits for the peer; of a Unix socket in whose queue such a one lies, however deep; of a file whose file system is a
// program (FUSE). Those are closed by a thread of their own. SO_LINGER is left as it is: it belongs to the socket, and
// so to the program.
#pragma once

#include <vector>

#include "os/fd.hpp"

namespace liveswap::os {

void close_aside(OwnedFd fd);
void close_aside(std::vector<OwnedFd>& fds);  // all of them; none is left

}  // namespace liveswap::os
