// Addresses of listeners: text to plan, and which of them the kernel would not bind beside each other.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "core/plan.hpp"

namespace liveswap::config {

// `tcp://0.0.0.0:80  tcp://[::1]:80  tcp://localhost:80  tcp://:80  udp://…  unix:PATH  unix:@NAME
// unix-dgram:… unix-seqpacket:…`. Paths become absolute below `folder`. `localhost` gives two addresses,
// others one. The reason continues the text: `"web:80" is not …`.
std::expected<std::vector<core::Address>, std::string> parse_address(std::string_view text,
                                                                     std::string_view folder);

// An address and those of its listener's options that matter to what may be bound beside it.
struct Claim {
  const core::Address& address;
  const core::SocketOptions& options;
};

// Why both cannot be bound; "" where they can. Completes `… conflicts with listener NAME: `.
std::string conflict(const Claim& one, const Claim& other);

// As people write it: `tcp://[::1]:80`, `unix:/run/x.sock`.
std::string text_of(const core::Address& address);

// Whether one socket would be bound, however the addresses are written: `tcp://:80` and `tcp://[::]:80` are one
// dual-stack socket.
bool same_socket(const core::Address& a, const core::Address& b);

// Numeric IPv6, not the dual-stack "".
bool is_ipv6(const core::Address& address);

// sun_path holds 108 bytes, with the zero at its end or at the start of an abstract name.
inline constexpr std::size_t kUnixPathMax = 107;

}  // namespace liveswap::config
