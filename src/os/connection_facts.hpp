// What the kernel tells of one connection, through a descriptor of it: whose end it is, how far it has got, when data
// last went each way.
//
// No kernel tells when a connection was made: the times that fstat() shows of a socket are left over from whatever had
// its memory before. TCP_INFO gives a lower bound, the time since the last segment that came or went; and the age
// itself for as long as one side has not sent anything, since the clock for that direction started with the connection.
// These ages are as coarse as the kernel's ticks (1 to 10 ms).
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/sockaddr.hpp"

namespace liveswap::os {

// An end of a connection. IPv4 is held as IPv6 maps it, so that both kinds of socket compare.
struct Endpoint {
  std::array<std::uint8_t, 16> host{};
  std::uint16_t port = 0;

  [[nodiscard]] static Endpoint of(const SocketAddress& address);  // of an Internet address
  [[nodiscard]] std::string text() const;                          // "127.0.0.1:80", "[::1]:80"
  bool operator==(const Endpoint&) const = default;
};

// Whether a socket with this own address can have been accepted from a listener with that one. The socket of an
// outgoing connection cannot: it has a port, or a name, of its own.
[[nodiscard]] bool accepted_from(const SocketAddress& own, const SocketAddress& listener);

struct Traffic {
  std::chrono::milliseconds since_sent{};      // since this side sent data last …
  std::chrono::milliseconds since_received{};  // … and got some; since the connection was made where it never did
  std::uint64_t bytes_in = 0, bytes_out = 0;   // out: as far as the peer has said that it got them
  bool operator==(const Traffic&) const = default;
};

struct Age {
  std::chrono::milliseconds at_least{};
  bool exact = false;  // it is that old, give or take a tick
  bool operator==(const Age&) const = default;
};

struct ConnectionFacts {
  std::uint64_t cookie = 0;  // names the connection for good, through whichever descriptor it is seen
  bool is_unix = false;
  Endpoint peer;             // of an Internet connection
  pid_t peer_pid = 0;        // of a Unix one: who connected
  std::uint8_t state = 0;    // as the kernel numbers those of TCP; a Unix connection is 1 or, half closed, 8
  std::optional<Traffic> traffic;  // TCP only
  std::optional<Age> age;          // likewise
  [[nodiscard]] std::string_view state_name() const;  // "established", "close_wait", …
};

// nullopt: it is no connection, or none any more: a listener, a datagram socket, one that is still connecting, or that
// the peer has reset.
[[nodiscard]] Result<std::optional<ConnectionFacts>> connection_facts(FdRef socket);

// The same of a TCP socket by its tcp_info, as far as that was told.
[[nodiscard]] std::optional<ConnectionFacts> tcp_connection_facts(std::uint64_t cookie, const SocketAddress& peer,
                                                                  std::span<const std::byte> tcp_info);

// Whether anything lies in the kernel's buffers of a connection: that the program has not read yet, or that the peer
// has not got yet.
[[nodiscard]] bool has_unread_or_unsent(FdRef connection);

}  // namespace liveswap::os
