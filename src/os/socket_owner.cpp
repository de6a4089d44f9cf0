#include "os/socket_owner.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <set>

#include "os/file.hpp"
#include "os/process_tree.hpp"
#include "os/procfs.hpp"
#include "os/sock_diag.hpp"

namespace liveswap::os {
namespace {

using Links = std::set<std::string>;  // as /proc/PID/fd shows them: socket:[INODE]

std::string link_of(std::uint32_t inode) { return "socket:[" + std::to_string(inode) + "]"; }

// Across the families only [::] can: it takes IPv4 as well, unless it is v6only, which is not looked at here.
bool stand_in_each_others_way(const SocketAddress& left, const SocketAddress& right) {
  if (left.port() != right.port()) return false;
  if (left.family() != right.family()) return (left.family() == AF_INET6 ? left : right).is_any_host();
  return left.is_any_host() || right.is_any_host() || left.host() == right.host();
}

Links conflicting_inet_sockets(const SocketAddress& address, int type) {
  Links links;
  for (const int family : {AF_INET, AF_INET6}) {
    const auto sockets = list_inet_sockets(family, type);
    if (!sockets) continue;
    for (const InetSocket& socket : *sockets) {
      if (stand_in_each_others_way(socket.local, address)) links.insert(link_of(socket.inode));
    }
  }
  return links;
}

Links conflicting_unix_sockets(const SocketAddress& address) {
  Links links;
  const auto sockets = list_unix_sockets();
  if (!sockets) return links;
  for (const UnixSocket& socket : *sockets) {
    if (socket.name == address.unix_name()) links.insert(link_of(socket.inode));
  }
  return links;
}

bool holds_any(pid_t pid, const Links& links) {
  const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
  const auto names = list_directory(directory);
  if (!names) return false;
  for (const std::string& name : *names) {
    const auto link = read_link(directory + "/" + name);
    if (link && links.contains(*link)) return true;
  }
  return false;
}

}  // namespace

std::string SocketOwner::text() const { return "PID " + std::to_string(pid) + " (" + comm + ")"; }

std::optional<SocketOwner> find_socket_owner(const SocketAddress& address, int type) {
  const Links links = address.family() == AF_UNIX ? conflicting_unix_sockets(address)
                                                  : conflicting_inet_sockets(address, type);
  if (links.empty()) return std::nullopt;
  const auto processes = all_processes();
  if (!processes) return std::nullopt;
  for (const pid_t pid : *processes) {  // in the order of their pids, mostly: a parent before its workers
    if (!holds_any(pid, links)) continue;
    const auto stat = read_process_stat(pid);
    if (stat) return SocketOwner{pid, stat->comm};
  }
  return std::nullopt;
}

}  // namespace liveswap::os
