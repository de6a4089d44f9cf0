#include "master/socket_keeper.hpp"

#include <sys/socket.h>

namespace liveswap::master {

// They must have left their SO_REUSEPORT groups before those are counted (steered_socket.hpp): that a guardian closes
// them soon is not enough.
void SocketKeeper::go_on_from(std::uint64_t last) {
  last_ = last;
  for (const KeepKey& key : keeper_.left_of(KeepRole::listener_socket)) {
    if (key.owner <= last) continue;
    if (const auto left = keeper_.take(key)) (void)::shutdown(left->fd.get(), SHUT_RDWR);
  }
}

}  // namespace liveswap::master
