#include "launch/channel_link.hpp"

#include <sys/uio.h>

#include <cstring>
#include <span>

#include "launch/system.hpp"
#include "os/cmsg.hpp"
#include "wire/channel.hpp"
#include "wire/slice.hpp"

namespace liveswap::launch {

namespace channel = wire::channel;

// The master's messages have no fields so far; there is room for those of later versions.
struct ChannelLink::Packet {
  static constexpr std::size_t kSize = 1024;
  std::array<std::byte, kSize> bytes;
  std::size_t size = 0;
  std::size_t fds = 0;  // that came along, and were put behind those received before
};

// Descriptors go behind the last received one; whether there is room for them was seen to by asking the
// kernel for no more. The plan's own is taken out again by the caller.
int ChannelLink::receive_packet(Packet& packet, Received& into) {
  alignas(cmsghdr) std::array<std::byte, os::control_space_for_fds(os::kMaxPacketFds)> control;
  iovec part{packet.bytes.data(), packet.bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const long size = sys::call_uninterrupted(SYS_recvmsg, fd_, &message, MSG_CMSG_CLOEXEC);
  if (size < 0) return static_cast<int>(-size);
  if (size == 0) return EPIPE;
  packet.size = static_cast<std::size_t>(size);
  packet.fds = 0;
  bool too_many = false;
  os::for_each_fd(message, [&](int fd) {
    const std::size_t at = into.count + packet.fds;
    too_many = too_many || at >= into.fds.size();
    if (too_many) return;
    into.fds[at] = fd;
    ++packet.fds;
  });
  if ((message.msg_flags & MSG_CTRUNC) != 0) return EMFILE;
  return too_many || (message.msg_flags & MSG_TRUNC) != 0 ? EPROTO : 0;
}

Failure ChannelLink::receive_until_go(Received& into) {
  Packet packet;
  for (;;) {
    if (const int error = receive_packet(packet, into); error != 0) return {"channel", error};
    const auto message =
        channel::decode(std::span{packet.bytes}.first(packet.size), packet.fds, channel::End::launcher);
    if (!message) return {message.error().reason, EPROTO};
    if (std::holds_alternative<channel::Go>(*message)) {
      return into.plan == -1 ? Failure{"GO came before the plan", EPROTO} : Failure{};
    }
    if (std::holds_alternative<channel::Plan>(*message)) {
      if (into.plan != -1) return {"the plan came twice", EPROTO};
      into.plan = into.fds[into.count];
    }
    if (std::holds_alternative<channel::Descriptors>(*message)) {
      into.count += static_cast<std::uint32_t>(packet.fds);
    }
  }
}

int ChannelLink::send_filter(int notifier) {
  std::array<std::byte, channel::kHeaderSize> bytes{};
  const auto size = channel::encode(channel::Filter{}, 1, bytes);
  if (!size) return EPROTO;
  alignas(cmsghdr) std::array<std::byte, os::control_space_for_fds(1)> control{};
  iovec part{bytes.data(), *size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::memcpy(os::attach_fd_header(message, control.data(), 1), &notifier, sizeof notifier);
  const long sent = sys::call_uninterrupted(SYS_sendmsg, fd_, &message, MSG_NOSIGNAL);
  return sent < 0 ? static_cast<int>(-sent) : 0;
}

int ChannelLink::send_executing() {
  std::array<std::byte, channel::kHeaderSize> bytes{};
  const auto size = channel::encode(channel::Executing{}, 0, bytes);
  if (!size) return EPROTO;
  const long sent = sys::call_uninterrupted(SYS_sendto, fd_, bytes.data(), *size, MSG_NOSIGNAL);
  return sent < 0 ? static_cast<int>(-sent) : 0;
}

// If this cannot be sent either, the master is gone, and nobody wants to know.
void ChannelLink::send_failed(std::string_view step, const Failure& failure) {
  constexpr std::size_t kObjectMax = 8192;
  std::array<std::byte, channel::kHeaderSize + kObjectMax + 256> bytes;
  const channel::Failed message{
      .step = step, .object = wire::slice(failure.object, 0, kObjectMax), .error = failure.error};
  const auto size = channel::encode(message, 0, bytes);
  if (size) sys::call_uninterrupted(SYS_sendto, fd_, bytes.data(), *size, MSG_NOSIGNAL);
}

}  // namespace liveswap::launch
