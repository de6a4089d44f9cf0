#include "os/diag_socket.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace liveswap::os {
namespace {

using Bytes = DiagSocket::Bytes;

constexpr std::size_t kBufferSize = 32 * 1024;  // the kernel fills at most this much at a time
constexpr std::size_t kRequestMax = 256;

// Cuts the first message off; nullopt where the rest is no message.
std::optional<Bytes> next_message(Bytes& rest) {
  if (rest.size() < sizeof(nlmsghdr)) return std::nullopt;
  const auto length = read_struct<nlmsghdr>(rest).nlmsg_len;
  if (length < sizeof(nlmsghdr) || length > rest.size()) return std::nullopt;
  const Bytes message = rest.first(length);
  rest = rest.subspan(std::min(aligned(length), rest.size()));
  return message;
}

// Hands the payloads on. True at the end of the answer: of a dump its DONE, else the only message.
Result<bool> take_messages(Bytes rest, bool dump, const DiagSocket::Receiver& receiver) {
  while (const auto message = next_message(rest)) {
    const auto type = read_struct<nlmsghdr>(*message).nlmsg_type;
    const Bytes payload = message->subspan(sizeof(nlmsghdr));
    if (type == NLMSG_DONE) return true;
    if (type == NLMSG_ERROR) return fail_with(-read_struct<nlmsgerr>(payload).error, "sock_diag");
    if (type == SOCK_DIAG_BY_FAMILY) receiver(payload);
    if (!dump) return true;
  }
  return false;
}

}  // namespace

DiagSocket::DiagSocket(OwnedFd socket)
    : socket_(std::move(socket)), buffer_(std::make_unique_for_overwrite<std::byte[]>(kBufferSize)) {}

Result<DiagSocket> DiagSocket::open() {
  OwnedFd socket{adopt, ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
  if (!socket) return fail("socket", "NETLINK_SOCK_DIAG");
  return DiagSocket(std::move(socket));
}

Result<void> DiagSocket::send(Bytes request, bool dump) {
  struct {
    nlmsghdr header;
    std::array<std::byte, kRequestMax> body;
  } message{};
  if (request.size() > message.body.size()) return fail_with(EMSGSIZE, "sock_diag");
  std::memcpy(message.body.data(), request.data(), request.size());
  const std::size_t size = sizeof message.header + request.size();
  message.header.nlmsg_len = static_cast<std::uint32_t>(size);
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | (dump ? NLM_F_DUMP : 0));
  dump_ = dump;
  if (::send(socket_.get(), &message, size, 0) == -1) return fail("send", "NETLINK_SOCK_DIAG");
  return {};
}

Result<bool> DiagSocket::receive(const Receiver& receiver) {
  const ssize_t size = retry_interrupted([&] { return ::recv(socket_.get(), buffer_.get(), kBufferSize, 0); });
  if (size == -1) return fail("recv", "NETLINK_SOCK_DIAG");
  return take_messages({buffer_.get(), static_cast<std::size_t>(size)}, dump_, receiver);
}

Result<void> DiagSocket::receive_all(const Receiver& receiver) {
  for (;;) {
    const auto ended = receive(receiver);
    if (!ended) return std::unexpected(ended.error());
    if (*ended) return {};
  }
}

void for_each_attribute(Bytes rest, const std::function<void(unsigned, Bytes)>& receiver) {
  while (rest.size() >= sizeof(rtattr)) {
    const auto attribute = read_struct<rtattr>(rest);
    if (attribute.rta_len < sizeof(rtattr) || attribute.rta_len > rest.size()) return;
    receiver(attribute.rta_type, rest.first(attribute.rta_len).subspan(sizeof(rtattr)));
    rest = rest.subspan(std::min(aligned(attribute.rta_len), rest.size()));
  }
}

}  // namespace liveswap::os
