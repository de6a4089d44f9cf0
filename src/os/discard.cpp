#include "os/discard.hpp"

#include <sys/socket.h>

#include "os/close_aside.hpp"
#include "os/scm.hpp"
#include "os/socket.hpp"

namespace liveswap::os {

namespace {

// Only where the sender is known can a packet of nothing be told from the end, which nobody sends.
bool is_nothing(const ReceivedPacket& packet) {
  return packet.payload.empty() && packet.fds.empty() && (!packet.credentials || packet.credentials->pid == 0);
}

}  // namespace

void discard_unread(FdRef socket) {
  if (!socket.valid() || ::shutdown(socket.get(), SHUT_RD) == -1) return;
  constexpr std::size_t kPieceMax = std::size_t{64} << 10;
  for (;;) {
    auto packet = receive_packet(socket, kPieceMax, kMaxPacketFds, MSG_DONTWAIT);
    if (!packet || !*packet || is_nothing(**packet)) return;
    close_aside((*packet)->fds);
  }
}

void discard_unaccepted(FdRef listener) {
  if (!listener.valid() || ::shutdown(listener.get(), SHUT_RD) == -1) return;
  for (;;) {
    const auto connection = accept_connection(listener, SOCK_NONBLOCK);
    if (!connection || !*connection) return;
    discard_unread((*connection)->socket);
  }
}

}  // namespace liveswap::os
