// A server that was started without liveswap and is to become a worker: its processes and the sockets at which it
// serves, fetched out of them (pidfd_getfd). It goes on while that is done, and is not changed by it.
#pragma once

#include <sys/types.h>

#include <expected>
#include <string>
#include <vector>

#include "core/plan.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

struct AdoptedSocket {
  os::OwnedFd fd;  // a copy of the server's
  core::Address address;
  bool v6only = false;
};

struct Adoption {
  pid_t pid = 0;  // of its main process
  os::OwnedFd pidfd;
  std::vector<AdoptedSocket> sockets;  // that listen, and datagram sockets at ports that are no client's
};

// The error names what stands in the way: no such process, which right is lacking, that it does not serve anywhere.
[[nodiscard]] std::expected<Adoption, std::string> prepare_adoption(pid_t pid);

}  // namespace liveswap::master
