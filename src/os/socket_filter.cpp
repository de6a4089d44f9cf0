#include "os/socket_filter.hpp"

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>
#include <span>

#include "os/bpf.hpp"
#include "os/socket_option.hpp"

namespace liveswap::os {
namespace {

constexpr std::uint32_t kDrop = 0;
constexpr std::uint32_t kPass = 0xffffffff;  // this many bytes of the packet are kept

// A TCP socket's filter sees the packet from the TCP header on; its flags are the byte at 13.
constexpr std::uint32_t kFlagsOffset = 13;
constexpr std::uint32_t kSyn = 0x02;
constexpr std::uint32_t kAck = 0x10;
constexpr std::array kDropOpening{
    bpf::statement(BPF_LD | BPF_B | BPF_ABS, kFlagsOffset),
    bpf::statement(BPF_ALU | BPF_AND | BPF_K, kSyn | kAck),
    bpf::jump(BPF_JEQ, kSyn, 0, 1),
    bpf::statement(BPF_RET | BPF_K, kDrop),
    bpf::statement(BPF_RET | BPF_K, kPass),
};
constexpr std::array kDropAll{bpf::statement(BPF_RET | BPF_K, kDrop)};

Result<void> attach(FdRef socket, std::span<const sock_filter> filter) {
  return bpf::attach(socket, SO_ATTACH_FILTER, "SO_ATTACH_FILTER", filter);
}

}  // namespace

Result<void> attach_pause_filter(FdRef socket) {
  const auto domain = get_option(socket, option::kDomain);
  if (!domain) return std::unexpected(domain.error());
  const auto type = get_option(socket, option::kType);
  if (!type) return std::unexpected(type.error());
  if (*type == SOCK_DGRAM) return attach(socket, kDropAll);
  if (*domain == AF_UNIX) return fail_with(0, "a Unix stream or seqpacket socket cannot be paused");
  auto attached = attach(socket, kDropOpening);
  if (!attached && attached.error().code == EPERM) {
    attached.error().what =
        "pausing a TCP listener needs CAP_NET_ADMIN with this kernel: " + attached.error().what;
  }
  return attached;
}

Result<void> detach_filter(FdRef socket) {
  const int unused = 0;
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused) == -1 &&
      errno != ENOENT) {
    return fail("setsockopt SO_DETACH_FILTER", socket.get());
  }
  return {};
}

Result<std::uint32_t> dropped_packets(FdRef socket) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> values{};
  socklen_t size = sizeof values;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_MEMINFO, values.data(), &size) == -1) {
    return fail("getsockopt SO_MEMINFO", socket.get());
  }
  return values[SK_MEMINFO_DROPS];
}

}  // namespace liveswap::os
