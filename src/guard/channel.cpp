#include "guard/channel.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "os/cmsg.hpp"

namespace liveswap::guard {
namespace {

struct Control {
  alignas(cmsghdr) std::byte bytes[os::control_space_for_fds(1)];
};

// The one descriptor that may ride on a packet; a second one cannot fit into Control.
int descriptor_of(const msghdr& message) {
  int fd = -1;
  os::for_each_fd(message, [&](int number) {
    if (fd != -1) ::close(fd);
    fd = number;
  });
  return fd;
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
  if (fd != -1) std::memcpy(os::attach_fd_header(header, control.bytes, 1), &fd, sizeof fd);
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(channel, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent == -1 && errno == EINTR);
  return sent != -1;
}

}  // namespace liveswap::guard
