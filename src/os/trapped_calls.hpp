// The system calls that a launched program can be made to wait in until the master answers, by their numbers on each
// kind of processor and in each of its modes. The launcher's filter and the notifier's reader go by this one table; it
// is read without libc.
#pragma once

#include <linux/audit.h>

#include <cstdint>

namespace liveswap::os {

enum class SystemCall : std::uint8_t {
  bind,
  listen,
  socketcall,  // i386's older way to all of a socket's calls; only bind and listen among them wait
  io_uring_setup,
  unlink,
  unlinkat,
  rename,
  renameat,
  renameat2,
};

struct TrappedNumber {
  std::uint32_t arch;  // AUDIT_ARCH_
  std::uint32_t number;
  SystemCall call;
};

// Those of one kind of processor are together: the filter is written block by block. A processor's own mode comes
// before the one that it has for programs of its predecessor.
inline constexpr TrappedNumber kTrappedNumbers[] = {
    {AUDIT_ARCH_X86_64, 49, SystemCall::bind},
    {AUDIT_ARCH_X86_64, 50, SystemCall::listen},
    {AUDIT_ARCH_X86_64, 425, SystemCall::io_uring_setup},
    {AUDIT_ARCH_X86_64, 87, SystemCall::unlink},
    {AUDIT_ARCH_X86_64, 263, SystemCall::unlinkat},
    {AUDIT_ARCH_X86_64, 82, SystemCall::rename},
    {AUDIT_ARCH_X86_64, 264, SystemCall::renameat},
    {AUDIT_ARCH_X86_64, 316, SystemCall::renameat2},

    {AUDIT_ARCH_I386, 361, SystemCall::bind},
    {AUDIT_ARCH_I386, 363, SystemCall::listen},
    {AUDIT_ARCH_I386, 102, SystemCall::socketcall},
    {AUDIT_ARCH_I386, 425, SystemCall::io_uring_setup},
    {AUDIT_ARCH_I386, 10, SystemCall::unlink},
    {AUDIT_ARCH_I386, 301, SystemCall::unlinkat},
    {AUDIT_ARCH_I386, 38, SystemCall::rename},
    {AUDIT_ARCH_I386, 302, SystemCall::renameat},
    {AUDIT_ARCH_I386, 353, SystemCall::renameat2},

    {AUDIT_ARCH_AARCH64, 200, SystemCall::bind},
    {AUDIT_ARCH_AARCH64, 201, SystemCall::listen},
    {AUDIT_ARCH_AARCH64, 425, SystemCall::io_uring_setup},
    {AUDIT_ARCH_AARCH64, 35, SystemCall::unlinkat},
    {AUDIT_ARCH_AARCH64, 38, SystemCall::renameat},
    {AUDIT_ARCH_AARCH64, 276, SystemCall::renameat2},

    {AUDIT_ARCH_ARM, 282, SystemCall::bind},
    {AUDIT_ARCH_ARM, 284, SystemCall::listen},
    {AUDIT_ARCH_ARM, 425, SystemCall::io_uring_setup},
    {AUDIT_ARCH_ARM, 10, SystemCall::unlink},
    {AUDIT_ARCH_ARM, 328, SystemCall::unlinkat},
    {AUDIT_ARCH_ARM, 38, SystemCall::rename},
    {AUDIT_ARCH_ARM, 329, SystemCall::renameat},
    {AUDIT_ARCH_ARM, 382, SystemCall::renameat2},
};

// x32 programs run as AUDIT_ARCH_X86_64 and set this bit in the numbers. Those above mean the same there.
inline constexpr std::uint32_t kX32Bit = 0x40000000;

}  // namespace liveswap::os
