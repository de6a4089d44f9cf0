// Who holds an address that cannot be bound, as far as the kernel and /proc tell: for error messages only.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "os/sockaddr.hpp"

namespace liveswap::os {

struct SocketOwner {
  pid_t pid = 0;
  std::string comm;

  [[nodiscard]] std::string text() const;  // "PID 812 (nginx)"
};

// Looks for sockets that stand in the way of this address (also 0.0.0.0 or [::] with its port) and, among the
// processes that we may look into, for the first one that holds such a socket. nullopt where nothing is
// found.
[[nodiscard]] std::optional<SocketOwner> find_socket_owner(const SocketAddress& address, int type);

}  // namespace liveswap::os
