// The channel between the master and one worker: a SOCK_SEQPACKET pair on which one packet is one message
// (liveswap-worker(7), "The channel"). liveswap-launch speaks on it first, then, under `protocol: native`,
// the program itself. This is the pure codec: bytes in, values out, and nothing is allocated.
//
//   header, 8 bytes     u8 major | u8 minor | u16 type | u16 descriptors | u16 payload length (little-endian)
//   payload             fields, each ended by a NUL; numbers are decimal text
//
// Compatibility: within a major version, messages are only added and fields only appended. A receiver skips
// types that it does not know (Unknown) and fields beyond those it knows; it refuses another major version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

#include "wire/field_list.hpp"
#include "wire/format_error.hpp"

namespace liveswap::wire::channel {

inline constexpr std::uint8_t kMajor = 1;
inline constexpr std::uint8_t kMinor = 0;
inline constexpr std::size_t kHeaderSize = 8;
inline constexpr std::size_t kPayloadMax = 65535;  // what the header's length can say
inline constexpr std::size_t kTextMax = kPayloadMax - 1;  // of a message with one text, and its NUL
inline constexpr std::size_t kPacketMax = kHeaderSize + kPayloadMax;
inline constexpr std::size_t kDescriptorsMax = 253;  // the kernel's SCM_MAX_FD

enum class End : std::uint8_t { master, launcher, worker };

enum class Type : std::uint16_t {
#define CHANNEL_MESSAGE(type, NAME, number, from, to, descriptors, fields, doc) type = number,
#include "wire/channel_messages.def"
#undef CHANNEL_MESSAGE
};

// A message of a type that this version does not know, to be skipped; its descriptors are to be closed.
struct Unknown {
  std::uint16_t type = 0;
  bool operator==(const Unknown&) const = default;
};

// One struct a message: Plan, Descriptors, Go, … with its fields as members. Texts borrow the packet.
#define TEXT(name) std::string_view name;
#define NUMBER(name) std::uint64_t name = 0;
#define SMALL(name) int name = 0;
#define LIMIT(name) std::optional<std::uint64_t> name; /* nullopt: infinity */
#define NAMES(name) FieldList name;
#define CHANNEL_MESSAGE(type, NAME, number, from, to, descriptors, fields, doc) \
  struct type {                                                                 \
    fields bool operator==(const type&) const = default;                        \
  };
#include "wire/channel_messages.def"
#undef CHANNEL_MESSAGE
#undef TEXT
#undef NUMBER
#undef SMALL
#undef LIMIT
#undef NAMES

using Message = std::variant<Unknown
#define CHANNEL_MESSAGE(type, NAME, number, from, to, descriptors, fields, doc) , type
#include "wire/channel_messages.def"
#undef CHANNEL_MESSAGE
                             >;

// The name in the manual: "READY". "unknown" for a number that is not in the table.
[[nodiscard]] std::string_view name(Type type);
[[nodiscard]] std::string_view name(const Message& message);

// Judges one received packet for the end that received it, together with how many descriptors came along. The
// result borrows `packet`. A message that is not meant for `receiver` is an error.
[[nodiscard]] std::expected<Message, FormatError> decode(std::span<const std::byte> packet,
                                                         std::size_t descriptors, End receiver);

// Writes the packet for a message that is sent along with so many descriptors, and returns its size. A buffer
// of kPacketMax bytes is always large enough. Fails on a text with a NUL in it, on more than kPayloadMax, on
// a number of descriptors that the message does not go with, and on Unknown.
[[nodiscard]] std::expected<std::size_t, FormatError> encode(const Message& message, std::size_t descriptors,
                                                             std::span<std::byte> buffer);

}  // namespace liveswap::wire::channel
