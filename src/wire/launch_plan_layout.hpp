// Where each number of a launch plan's header lies; shared by the encoder and the parser, and by nobody else.
#pragma once

#include <cstddef>
#include <cstdint>

namespace liveswap::wire::plan_layout {

inline constexpr std::uint32_t kMagic = 0x5057534cU;  // "LSWP"

inline constexpr std::size_t kMagicAt = 0;
inline constexpr std::size_t kVersionAt = 4;  // u16, then two bytes of zero
inline constexpr std::size_t kSizeAt = 8;     // u32, as are all that follow
inline constexpr std::size_t kFlagsAt = 12;
inline constexpr std::size_t kUidAt = 16;
inline constexpr std::size_t kGidAt = 20;
inline constexpr std::size_t kUmaskAt = 24;
inline constexpr std::size_t kOomScoreAt = 28;  // two's complement
inline constexpr std::size_t kDirectoryAt = 32;
inline constexpr std::size_t kCgroupAt = 36;
inline constexpr std::size_t kChannelAt = 40;
inline constexpr std::size_t kDescriptorsAt = 44;
inline constexpr std::size_t kPlacementsAt = 48;  // counts, from here on
inline constexpr std::size_t kLimitsAt = 52;
inline constexpr std::size_t kGroupsAt = 56;
inline constexpr std::size_t kArgumentsAt = 60;
inline constexpr std::size_t kVariablesAt = 64;
inline constexpr std::size_t kPidVariablesAt = 68;
inline constexpr std::size_t kTextSizeAt = 72;  // bytes, all texts together; then four bytes of zero
inline constexpr std::size_t kHeaderSize = 80;

inline constexpr std::size_t kPlacementSize = 8;
inline constexpr std::size_t kLimitSize = 24;
inline constexpr std::size_t kGroupSize = 4;

enum Flag : std::uint32_t {
  kNewSession = 1U << 0,
  kHasIdentity = 1U << 1,
  kHasUmask = 1U << 2,
  kHasOomScore = 1U << 3,
  kHasDirectory = 1U << 4,
  kHasCgroup = 1U << 5,
  kHasChannel = 1U << 6,
  kHasFilter = 1U << 7,  // the two below say what it does, and are only set with it
  kWatchUnlink = 1U << 8,
  kDenyIoUring = 1U << 9,
  kAllFlags = (1U << 10) - 1,
};

}  // namespace liveswap::wire::plan_layout
