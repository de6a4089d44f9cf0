// Packets with descriptors and credentials over Unix sockets (SCM_RIGHTS, SCM_CREDENTIALS).
// For SOCK_SEQPACKET and SOCK_DGRAM, where one packet and its descriptors are one
// unit; on a SOCK_STREAM a send can be cut in two, and send_some() says where.
//
// Every received descriptor has an owner before anything is judged, and is close-on-exec. A packet that lost
// a part on its way (payload longer than asked for, more descriptors than asked for or than this process may
// open) has `truncated` set and carries no descriptors: all are closed, since nobody can say which are
// missing.
//
// A received socket has no SO_LINGER, whatever its sender had set: closing it must not make this process wait.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "os/cmsg.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

struct ReceivedPacket {
  std::vector<std::byte> payload;
  std::vector<OwnedFd> fds;
  std::optional<ucred> credentials;  // the sender's, where receive_credentials() was called on the socket
  bool truncated = false;
  bool eof = false;  // the peer has closed and everything it sent was read; an empty packet is not an end
};

enum class SendOutcome { sent, would_block };

// Borrows the descriptors: the caller's copies stay open. `flags` are sendmsg's (MSG_DONTWAIT); SIGPIPE is
// never raised. A full buffer of a non-blocking socket is an outcome, a peer that is gone is an Error (EPIPE,
// ECONNRESET).
[[nodiscard]] Result<SendOutcome> send_packet(FdRef socket, std::span<const std::byte> payload,
                                              std::span<const FdRef> fds = {}, int flags = 0);

// On a stream: as many bytes as fit now, 0 for none; the descriptors go with the first of them. Never waits.
[[nodiscard]] Result<std::size_t> send_some(FdRef socket, std::span<const std::byte> bytes,
                                            std::span<const FdRef> fds = {});

// On a stream, a packet is what one read gives: descriptors never come with bytes before those they were sent with.
// Nothing there to read (non-blocking socket or MSG_DONTWAIT) is nullopt. A peer that closed without having
// read everything is no error: what it had sent is delivered, then eof.
[[nodiscard]] Result<std::optional<ReceivedPacket>> receive_packet(FdRef socket, std::size_t max_payload,
                                                                   std::size_t max_fds, int flags = 0);

// From now on the kernel attaches the sender's pid, uid and gid to every packet (SO_PASSCRED).
[[nodiscard]] Result<void> receive_credentials(FdRef socket);

}  // namespace liveswap::os
