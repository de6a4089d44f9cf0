// How HAProxy fetches listening sockets from its predecessor (`haproxy -x SOCKET`), from the predecessor's side.
// HAProxy's own; read in sock_get_old_sockets() of its src/sock.c and _getsocks() of its src/cli.c, 1.8 to 3.
//
//   HAProxy, the new one                    here
//   "_getsocks\n"                 ──▶
//                                 ◀──       int: how many sockets
//                                 ◀──       a record for each of at most 252 sockets, which ride on it by SCM_RIGHTS
//   int: how many it had before   ──▶
//                                 ◀──       the next ones, …
//   int                           ──▶       … until it has said that it has the last ones
//
// A record is `u8 length, network namespace, u8 length, interface, u32 0`. HAProxy takes a socket for a `bind` line
// where address, namespace, interface and IPV6_V6ONLY are the same, and closes the others. Integers are the machine's.
// Pure: bytes in, values out.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/format_error.hpp"

namespace liveswap::wire::haproxy {

inline constexpr std::size_t kBatchMax = 252;  // MAX_SEND_FD: HAProxy reads no more descriptors at a time

// What is to be sent at once, with the descriptors of these sockets on it.
struct Message {
  std::string bytes;
  std::size_t first = 0;
  std::size_t count = 0;
  bool operator==(const Message&) const = default;
};

class Transfer {
 public:
  // What HAProxy says; it says nothing that is not waited for.
  [[nodiscard]] std::expected<void, FormatError> take(std::string_view bytes);

  // It has asked, and offer() is due.
  [[nodiscard]] bool asked() const { return asked_ && !offered_; }
  // The sockets, each by the interface that it is bound to; "" for all.
  void offer(std::vector<std::string> interfaces);

  // The next message that HAProxy waits for, if there is one now.
  [[nodiscard]] std::optional<Message> next();

  // It has the last sockets.
  [[nodiscard]] bool is_over() const;

 private:
  std::string held_;
  std::vector<std::string> interfaces_;
  std::size_t sent_ = 0;        // sockets
  std::size_t unanswered_ = 0;  // batches that have been sent, and are not acknowledged
  bool asked_ = false;
  bool offered_ = false;
  bool counted_ = false;
};

}  // namespace liveswap::wire::haproxy
