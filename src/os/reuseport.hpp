// Groups of sockets that share an address by SO_REUSEPORT, and which of them the kernel gives new connections or
// datagrams to: a classic BPF program says its number (SO_ATTACH_REUSEPORT_CBPF, Linux 4.5 for UDP and 4.6 for TCP; no
// rights are needed). Members of one group have the same address, family, IPV6_V6ONLY and uid.
//
// Their numbers: a TCP socket joins at listen(), a UDP socket at bind(), each after the last one. When one leaves, by
// close() or shutdown(), the last one takes its number. A program that names a number that is not there is passed over,
// and the kernel picks by a hash of the addresses.
#pragma once

#include <cstdint>
#include <span>

#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::os {

struct MemberShare {
  std::uint32_t member = 0;
  std::uint32_t weight = 1;  // of all weights: the share of what is new; not 0
};

// In force for the whole group, from whichever member it is set. One member gets all; of several each gets its share,
// drawn anew for each connection or datagram. EOPNOTSUPP for MPTCP sockets: set it by a member that is none.
[[nodiscard]] Result<void> select_members(FdRef any_member, std::span<const MemberShare> shares);

// A listening TCP socket that nobody reaches, of those that are not set up to say so: packets whose time to live is not
// 255 are dropped, and clients try again after 1, 3, 7 … seconds. A datagram socket drops all that comes.
[[nodiscard]] Result<void> make_unreachable(FdRef socket);

}  // namespace liveswap::os
