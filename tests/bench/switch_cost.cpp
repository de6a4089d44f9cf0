// switch_cost TIMES SIDES…: what it takes to steer a group of so many listening sockets, by the call that the master
// makes, to one of them and to half of them in turn. A JSON object for each: microseconds, the median and the 99th
// percentile of so many times.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "os/fd.hpp"
#include "os/reuseport.hpp"

namespace {

using Microseconds = std::chrono::duration<double, std::micro>;
using liveswap::os::FdRef;
using liveswap::os::MemberShare;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

// One more socket of the group; the first one lets the kernel choose the port.
int add_side(sockaddr_in& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) != 0) die("socket");
  auto* where = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(fd, where, size) != 0 || listen(fd, 511) != 0 || getsockname(fd, where, &size) != 0) die("bind");
  return fd;
}

struct Cost {
  double median = 0;
  double p99 = 0;
};

// Steers to `chosen` neighbours, to others each time.
Cost measure(FdRef any, std::uint32_t sides, std::uint32_t chosen, std::size_t times) {
  std::vector<double> took;
  for (std::size_t turn = 0; turn < times; ++turn) {
    std::vector<MemberShare> shares;
    for (std::uint32_t i = 0; i < chosen; ++i) {
      shares.push_back({.member = static_cast<std::uint32_t>(turn + i) % sides});
    }
    const auto begun = std::chrono::steady_clock::now();
    if (!liveswap::os::select_members(any, shares)) die("setsockopt SO_ATTACH_REUSEPORT_CBPF");
    took.push_back(Microseconds(std::chrono::steady_clock::now() - begun).count());
  }
  std::ranges::sort(took);
  return {.median = took[took.size() / 2], .p99 = took[took.size() * 99 / 100]};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: switch_cost TIMES SIDES...\n", stderr);
    return 2;
  }
  const auto times = static_cast<std::size_t>(std::max(1, std::atoi(argv[1])));
  for (int i = 2; i < argc; ++i) {
    const auto sides = static_cast<std::uint32_t>(std::max(2, std::atoi(argv[i])));
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    std::vector<int> group;
    while (group.size() < sides) group.push_back(add_side(address));
    const FdRef any(group.front());
    const Cost one = measure(any, sides, 1, times);
    const Cost half = measure(any, sides, sides / 2, times);
    std::printf("{\"sides\":%u,\"one_us\":%.2f,\"one_p99_us\":%.2f,\"half_us\":%.2f,\"half_p99_us\":%.2f}\n", sides,
                one.median, one.p99, half.median, half.p99);
    for (const int fd : group) close(fd);
  }
  return 0;
}
