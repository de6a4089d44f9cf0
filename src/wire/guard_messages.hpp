// What the master and its guardian say to each other, on the SOCK_SEQPACKET pair whose number the master finds in
// LIVESWAP_GUARD_CHANNEL (src/DESIGN.md, "The guardian"). Packets are of one size, with at most one descriptor on each.
// This is the pure codec: bytes in, values out, and nothing is allocated.
//
//   header, 8 bytes     u16 version | u16 type | u32 zero (little-endian, as is everything)
//   fields, 120 bytes   in the order of guard_messages.def, each of a fixed width, then zeros
//
// Compatibility: a master may be of a newer or older liveswap than its guardian, since each can be replaced alone.
// Within a version, messages are only added and fields only appended. A receiver skips types that it does not know
// (Unknown) and bytes beyond the fields that it knows; it refuses another version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>
#include <variant>

#include "wire/format_error.hpp"

namespace liveswap::wire::guard {

inline constexpr std::uint16_t kVersion = 1;
inline constexpr std::size_t kPacketSize = 128;
inline constexpr std::size_t kHeaderSize = 8;
inline constexpr std::size_t kTextMax = 96;  // bytes; what is longer is the sender's to cut

// Variables of the environment by which liveswap, the guardian and the master find each other's descriptors.
inline constexpr std::string_view kBinaryVariable = "LIVESWAP_GUARD_BINARY";    // to the guardian: the master's program
inline constexpr std::string_view kChannelVariable = "LIVESWAP_GUARD_CHANNEL";  // to the master; and, with the next,
inline constexpr std::string_view kParentVariable = "LIVESWAP_GUARD_PARENT";    // to a guardian: its master's pidfd
inline constexpr std::string_view kNotifyVariable = "LIVESWAP_GUARD_NOTIFY";    // to the master: 1, systemd can be told
inline constexpr std::string_view kInPlaceVariable = "LIVESWAP_GUARD_IN_PLACE";  // from a master to its next binary
inline constexpr std::string_view kImageVariable = "LIVESWAP_GUARD_IMAGE";      // from one guardian to the next

enum class End : std::uint8_t { master, guardian };

enum class Type : std::uint16_t {
#define GUARD_MESSAGE(type, number, to, descriptors, fields, doc) type = number,
#include "wire/guard_messages.def"
#undef GUARD_MESSAGE
};

enum class Role : std::uint32_t {
#define GUARD_ROLE(id, number, meaning) id = number,
#include "wire/guard_roles.def"
#undef GUARD_ROLE
};

enum class NotifyKind : std::uint32_t {
#define GUARD_NOTIFY(kind, number, descriptors, meaning) kind = number,
#include "wire/guard_notify_kinds.def"
#undef GUARD_NOTIFY
};

enum class EndKind : std::uint32_t { unknown = 0, exited = 1, signaled = 2 };

// What a descriptor is kept under. Made from the master's identities, so that one can be found that was kept just
// before its keeper died.
struct Key {
  Role role = Role::other;
  std::uint32_t index = 0;
  std::uint64_t owner = 0;
  bool operator==(const Key&) const = default;
};

// A message of a type that this version does not know, to be skipped; its descriptor is to be closed.
struct Unknown {
  std::uint16_t type = 0;
  bool operator==(const Unknown&) const = default;
};

// One struct a message: Keep, Drop, … with its fields as members. A text borrows the packet.
#define KEY(name) Key name;
#define U32(name) std::uint32_t name = 0;
#define U64(name) std::uint64_t name = 0;
#define I32(name) std::int32_t name = 0;
#define FLAG(name) bool name = false;
#define KIND(Enum, name) Enum name{};
#define TEXT(name) std::string_view name;
#define GUARD_MESSAGE(type, number, to, descriptors, fields, doc) \
  struct type {                                                   \
    fields bool operator==(const type&) const = default;          \
  };
#include "wire/guard_messages.def"
#undef GUARD_MESSAGE
#undef KEY
#undef U32
#undef U64
#undef I32
#undef FLAG
#undef KIND
#undef TEXT

using Message = std::variant<Unknown
#define GUARD_MESSAGE(type, number, to, descriptors, fields, doc) , type
#include "wire/guard_messages.def"
#undef GUARD_MESSAGE
                             >;

using PacketBytes = std::span<std::byte, kPacketSize>;

// "Keep"; "unknown" for a number that is not in the table. Of a role: "worker_pidfd", or "unknown".
[[nodiscard]] std::string_view name(const Message& message);
[[nodiscard]] std::string_view name(Role role);

// How many descriptors a notification of this kind goes with; 0 for a kind that is not in the table.
[[nodiscard]] std::size_t descriptors_of(NotifyKind kind);

// Judges one received packet for the end that received it, together with how many descriptors came along (one that the
// kernel could not deliver counts: the caller knows of that). The result borrows `packet`. A message that is not meant
// for `receiver` is an error.
[[nodiscard]] std::expected<Message, FormatError> decode(std::span<const std::byte> packet, std::size_t descriptors,
                                                         End receiver);

// Writes the packet for a message that is sent along with so many descriptors. Fails on a text that is longer than
// kTextMax or has a control character in it, on a number of descriptors that the message does not go with, and on
// Unknown.
[[nodiscard]] std::expected<void, FormatError> encode(const Message& message, std::size_t descriptors,
                                                      PacketBytes packet);

}  // namespace liveswap::wire::guard
