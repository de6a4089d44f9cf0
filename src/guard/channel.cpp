#include "guard/channel.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace liveswap::guard {
namespace {

union Control {
  cmsghdr aligned;
  char bytes[CMSG_SPACE(sizeof(int))];
};

// The one descriptor that may ride on a packet; a second one cannot fit into Control.
int descriptor_of(msghdr& message) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
  }
  return -1;
}

}  // namespace

Received receive(int channel) {
  Received received;
  Control control{};
  iovec part{received.bytes.data(), received.bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  ssize_t size = 0;
  do {
    size = ::recvmsg(channel, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size == -1 && errno == EINTR);
  if (size == -1 && errno == EAGAIN) return received;
  if (size <= 0) {
    received.kind = Received::Kind::closed;
    return received;
  }
  received.kind = Received::Kind::packet;
  received.size = static_cast<std::size_t>(size);
  received.fd = descriptor_of(message);
  received.lost_a_descriptor = (message.msg_flags & MSG_CTRUNC) != 0 && received.fd == -1;
  return received;
}

bool send(int channel, const wire::guard::Message& message, int fd) {
  std::array<std::byte, wire::guard::kPacketSize> packet{};
  if (!wire::guard::encode(message, fd == -1 ? 0 : 1, packet)) return true;  // it can never be sent
  Control control{};
  iovec part{packet.data(), packet.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (fd != -1) {
    header.msg_control = &control;
    header.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(channel, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent == -1 && errno == EINTR);
  return sent != -1;
}

}  // namespace liveswap::guard
