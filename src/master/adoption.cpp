#include "master/adoption.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <set>
#include <span>
#include <utility>

#include "config/address.hpp"
#include "master/program_address.hpp"
#include "master/worker_tree.hpp"
#include "os/pidfd.hpp"
#include "os/process_sockets.hpp"
#include "os/remote_process.hpp"
#include "os/socket.hpp"
#include "os/socket_option.hpp"

namespace liveswap::master {
namespace {

std::string refusal(pid_t pid, const os::Error& error) {
  const std::string_view hint =
      error.code == EPERM ? ": that needs its user's rights and, where Yama or PR_SET_DUMPABLE forbid it to others, "
                            "CAP_SYS_PTRACE"
                          : "";
  return fmt::format("PID {}: {}{}", pid, error.message(), hint);
}

// Of TCP sockets those that listen; of UDP sockets those that no client would have.
bool serves(os::FdRef socket, const core::Address& address) {
  if (core::is_datagram(address.kind)) return !is_ephemeral(address.port);
  return os::get_option(socket, os::option::kListening).value_or(0) != 0;
}

class Collector {
 public:
  explicit Collector(Adoption& into) : into_(into) {}

  os::Result<void> look_into(pid_t pid, os::FdRef pidfd) {
    auto sockets = os::ProcessSockets::open(pid, pidfd);
    for (;;) {
      auto step = sockets ? sockets->next() : std::unexpected(sockets.error());
      if (!step) return std::unexpected(step.error());
      if (step->end) return {};
      if (step->socket) take(pid, std::move(step->socket));
    }
  }

 private:
  void take(pid_t pid, os::OwnedFd socket) {
    const auto local = os::local_address(socket);
    if (!local || local->family() == AF_UNIX) return;
    const auto* bytes = reinterpret_cast<const std::byte*>(local->data());
    auto address = program_address(std::span(bytes, local->size()), socket, pid);
    if (!address || !serves(socket, *address)) return;
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    (void)::getsockopt(socket.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size);
    if (!seen_.insert(cookie).second) return;
    const bool v6only = os::get_option(socket, os::option::kV6Only).value_or(0) != 0;
    into_.sockets.push_back({std::move(socket), std::move(*address), v6only});
  }

  Adoption& into_;
  std::set<std::uint64_t> seen_;  // cookies: forked processes have the same sockets
};

}  // namespace

std::expected<Adoption, std::string> prepare_adoption(pid_t pid) {
  auto pidfd = os::pidfd_open(pid);
  if (!pidfd) return std::unexpected(refusal(pid, pidfd.error()));
  const auto same = os::shares_namespace(pid, "net");
  if (!same) return std::unexpected(refusal(pid, same.error()));
  if (!*same) return std::unexpected(fmt::format("PID {}: it is in another network namespace", pid));
  Adoption adoption{.pid = pid, .pidfd = std::move(*pidfd), .sockets = {}};
  Collector collector(adoption);
  if (auto looked = collector.look_into(pid, adoption.pidfd); !looked) {
    return std::unexpected(refusal(pid, looked.error()));
  }
  for (const TreeMember& member : find_members({.roots = {pid}, .mark = ""}, [](pid_t) { return false; })) {
    (void)collector.look_into(member.pid, member.pidfd);  // one that has just ended has nothing
  }
  if (adoption.sockets.empty()) {
    return std::unexpected(fmt::format("PID {}: neither it nor its children listen on a TCP port, or have a UDP port "
                                       "outside of net.ipv4.ip_local_port_range", pid));
  }
  return adoption;
}

}  // namespace liveswap::master
