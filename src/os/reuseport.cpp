#include "os/reuseport.hpp"

#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <vector>

#include "os/bpf.hpp"
#include "os/socket_filter.hpp"
#include "os/socket_option.hpp"

namespace liveswap::os {
namespace {

constexpr std::uint32_t kRandom = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM);

// A number below the sum of the weights is drawn; the member in whose part of that range it falls is it.
std::vector<sock_filter> program_for(std::span<const MemberShare> shares) {
  std::uint32_t sum = 0;
  for (const MemberShare& share : shares) sum += share.weight;
  std::vector<sock_filter> program;
  if (shares.size() > 1) {
    program.push_back(bpf::statement(BPF_LD | BPF_W | BPF_ABS, kRandom));
    program.push_back(bpf::statement(BPF_ALU | BPF_MOD | BPF_K, sum));
  }
  std::uint32_t end = 0;
  for (std::size_t i = 0; i + 1 < shares.size(); ++i) {
    end += shares[i].weight;
    program.push_back(bpf::jump(BPF_JGE, end, 1, 0));
    program.push_back(bpf::statement(BPF_RET | BPF_K, shares[i].member));
  }
  program.push_back(bpf::statement(BPF_RET | BPF_K, shares.back().member));
  return program;
}

constexpr int kOnlyNeighbours = 255;  // no packet that has come through a router has this time to live, nor most others

}  // namespace

Result<void> select_members(FdRef any_member, std::span<const MemberShare> shares) {
  if (shares.empty()) return fail_with(EINVAL, "setsockopt SO_ATTACH_REUSEPORT_CBPF");
  const std::vector<sock_filter> program = program_for(shares);
  return bpf::attach(any_member, SO_ATTACH_REUSEPORT_CBPF, "SO_ATTACH_REUSEPORT_CBPF", program);
}

Result<void> make_unreachable(FdRef socket) {
  const auto type = get_option(socket, option::kType);
  if (!type) return std::unexpected(type.error());
  if (*type == SOCK_DGRAM) return attach_pause_filter(socket);
  const auto domain = get_option(socket, option::kDomain);
  if (!domain) return std::unexpected(domain.error());
  auto done = set_option(socket, {IPPROTO_IP, IP_MINTTL, "IP_MINTTL"}, kOnlyNeighbours);
  if (done && *domain == AF_INET6) {
    done = set_option(socket, {IPPROTO_IPV6, IPV6_MINHOPCOUNT, "IPV6_MINHOPCOUNT"}, kOnlyNeighbours);
  }
  return done;
}

}  // namespace liveswap::os
