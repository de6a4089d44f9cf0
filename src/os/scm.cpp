#include "os/scm.hpp"

#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace liveswap::os {
namespace {

// A buffer of that size from the heap would make each look at a socket tidy up the heap (malloc_consolidate).
constexpr std::size_t kPayloadOnStack = std::size_t{68} << 10;

struct ControlBuffer {
  alignas(cmsghdr)
      std::array<std::byte, kControlSpaceForCredentials + control_space_for_fds(kMaxPacketFds)> bytes;
};

void attach_fds(msghdr& message, ControlBuffer& control, std::span<const FdRef> fds) {
  control.bytes.fill(std::byte{0});  // padding goes to the kernel, too
  unsigned char* to = attach_fd_header(message, control.bytes.data(), fds.size());
  for (const FdRef fd : fds) {
    const int number = fd.get();
    std::memcpy(to, &number, sizeof number);
    to += sizeof number;
  }
}

// recvmsg returns 0 for an empty packet and for the end. It is the end if the peer cannot send any more
// and no byte waits behind (for SOCK_SEQPACKET, FIONREAD counts all packets in the queue). A datagram socket
// never sees POLLRDHUP from a peer, and so never ends.
bool at_end(FdRef socket) {
  pollfd poll_fd{socket.get(), POLLRDHUP, 0};
  if (retry_interrupted([&] { return ::poll(&poll_fd, 1, 0); }) < 1) return false;
  int waiting = 0;
  return (poll_fd.revents & POLLRDHUP) != 0 && ::ioctl(socket.get(), FIONREAD, &waiting) == 0 && waiting == 0;
}

// A peer that closes with unread data leaves one ECONNRESET in front of what it had sent before; the
// second try gets at that.
ssize_t receive_message(FdRef socket, msghdr& message, int flags) {
  const msghdr fresh = message;
  const auto receive = [&] {
    message = fresh;
    return ::recvmsg(socket.get(), &message, flags | MSG_CMSG_CLOEXEC);
  };
  const ssize_t size = retry_interrupted(receive);
  return size == -1 && errno == ECONNRESET ? retry_interrupted(receive) : size;
}

// How many bytes went; nothing where there is no room now.
Result<std::optional<std::size_t>> send_message(FdRef socket, std::span<const std::byte> payload,
                                                std::span<const FdRef> fds, int flags) {
  if (fds.size() > kMaxPacketFds) {
    return fail_with(EINVAL, "sendmsg(" + std::to_string(fds.size()) + " descriptors)");
  }
  iovec part{const_cast<std::byte*>(payload.data()), payload.size()};  // NOLINT: sendmsg only reads it
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer control;
  if (!fds.empty()) attach_fds(message, control, fds);

  const ssize_t sent =
      retry_interrupted([&] { return ::sendmsg(socket.get(), &message, flags | MSG_NOSIGNAL); });
  if (sent != -1) return std::optional<std::size_t>{static_cast<std::size_t>(sent)};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<std::size_t>{};
  return fail("sendmsg", socket.get());
}

// Fails for what is no socket, which does not linger either.
void do_not_linger(int number) {
  const linger off{};
  (void)::setsockopt(number, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

}  // namespace

Result<SendOutcome> send_packet(FdRef socket, std::span<const std::byte> payload, std::span<const FdRef> fds,
                                int flags) {
  const auto sent = send_message(socket, payload, fds, flags);
  if (!sent) return std::unexpected(sent.error());
  return *sent ? SendOutcome::sent : SendOutcome::would_block;
}

Result<std::size_t> send_some(FdRef socket, std::span<const std::byte> bytes, std::span<const FdRef> fds) {
  const auto sent = send_message(socket, bytes, fds, MSG_DONTWAIT);
  if (!sent) return std::unexpected(sent.error());
  return sent->value_or(0);
}

Result<std::optional<ReceivedPacket>> receive_packet(FdRef socket, std::size_t max_payload,
                                                     std::size_t max_fds, int flags) {
  max_fds = std::min(max_fds, kMaxPacketFds);
  std::array<std::byte, kPayloadOnStack> near;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::unique_ptr<std::byte[]> far;
  if (max_payload > near.size()) far = std::make_unique_for_overwrite<std::byte[]>(max_payload);
  std::byte* const buffer = far ? far.get() : near.data();
  iovec part{buffer, max_payload};
  ControlBuffer control;
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = kControlSpaceForCredentials + control_space_for_fds(max_fds);

  const ssize_t size = receive_message(socket, message, flags);
  if (size == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::optional<ReceivedPacket>{};
  if (size == -1) return fail("recvmsg", socket.get());

  ReceivedPacket packet;
  // All that the kernel has put into this process gets an owner, whatever else is wrong with the packet.
  for_each_fd(message, [&](int number) {
    packet.fds.emplace_back(adopt, number);
    do_not_linger(number);
  });
  for_each_credentials(message, [&](const ucred& sender) { packet.credentials = sender; });
  // Where the caller asks for MSG_TRUNC, size is that of the whole packet.
  const auto length = std::min(static_cast<std::size_t>(size), max_payload);
  packet.payload.assign(buffer, buffer + length);
  packet.truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || packet.fds.size() > max_fds;
  if (packet.truncated) packet.fds.clear();
  // An end has no sender: pid 0, which a stream gives it all the same.
  const bool sent = size > 0 || !packet.fds.empty() || (packet.credentials && packet.credentials->pid != 0);
  packet.eof = !sent && !packet.truncated && at_end(socket);
  return std::optional<ReceivedPacket>{std::move(packet)};
}

Result<void> receive_credentials(FdRef socket) {
  const int on = 1;
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == -1) {
    return fail("setsockopt SO_PASSCRED", socket.get());
  }
  return {};
}

}  // namespace liveswap::os
