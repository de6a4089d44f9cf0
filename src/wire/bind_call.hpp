// What liveswap-bind.so and the master say to each other (`bind_by: preload`), over a SOCK_SEQPACKET connection for
// each call: one request with the socket, one answer, then the connection ends. bind_call_layout.h has the bytes.
//
//   the program's bind()    ──request, socket, sockaddr──▶  master
//                           ◀──answer: go on | done | errno [, a socket that takes the place of the program's]──
//
// Pure: bytes in, values out. A program can send anything.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <span>
#include <variant>
#include <vector>

#include "wire/bind_call_layout.h"
#include "wire/format_error.hpp"

namespace liveswap::wire::bind_call {

inline constexpr std::size_t kRequestMax = sizeof(liveswap_bind_request) + LIVESWAP_BIND_ADDRESS_MAX;
inline constexpr std::size_t kAnswerSize = sizeof(liveswap_bind_answer);

struct Bind {
  int descriptor = -1;                // the socket's number in the program; only a number
  std::span<const std::byte> address;  // of the packet; it may be empty, or no sockaddr at all
};

struct Listen {
  int descriptor = -1;
  int backlog = 0;
};

using Request = std::variant<Bind, Listen>;

// `descriptors`: that came with the packet.
[[nodiscard]] std::expected<Request, FormatError> decode(std::span<const std::byte> packet, std::size_t descriptors);
[[nodiscard]] std::vector<std::byte> encode(const Request& request);

struct GoOn {};
struct Done {
  int error = 0;  // 0: the call succeeds
};
using Answer = std::variant<GoOn, Done>;

[[nodiscard]] std::array<std::byte, kAnswerSize> encode(const Answer& answer);
[[nodiscard]] std::expected<Answer, FormatError> decode_answer(std::span<const std::byte> packet);

}  // namespace liveswap::wire::bind_call
