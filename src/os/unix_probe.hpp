// Whether a Unix socket's path is in use, found out without disturbing anyone: no connection is made.
#pragma once

#include <string>

#include "os/error.hpp"

namespace liveswap::os {

enum class UnixPath {
  absent,  // nothing is there
  stale,   // a socket's file, but no process has the socket: it can be removed
  in_use,  // some process has a socket bound to it
};

// A path that holds anything else than a socket is an error, so that nobody removes a file by mistake.
[[nodiscard]] Result<UnixPath> probe_unix(const std::string& path);

}  // namespace liveswap::os
