#include "master/worker_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "os/sockaddr.hpp"
#include "os/socket.hpp"

namespace liveswap::master {

os::Result<WorkerSocket> WorkerSocket::open(int type, const WorkerAddress& where, uid_t worker) {
  auto fd = os::open_socket(AF_UNIX, type | SOCK_NONBLOCK);
  if (!fd) return std::unexpected(fd.error());
  auto address = os::SocketAddress::unix_path(where.path);
  const bool has_path = address.has_value();
  if (!has_path) address = os::SocketAddress::unix_abstract(std::string_view(where.abstract).substr(1));
  if (!address) return std::unexpected(address.error());
  const std::string& name = has_path ? where.path : where.abstract;
  // The file gets the socket's own mode, so there is no moment in which others could open it.
  if (::fchmod(fd->get(), 0600) == -1) return os::fail("fchmod", name);
  if (has_path) ::unlink(name.c_str());  // left by a master that did not end by itself; the directory is ours alone
  if (auto bound = os::bind_socket(*fd, *address); !bound) return std::unexpected(bound.error());
  WorkerSocket socket;
  socket.fd_ = std::move(*fd);
  socket.address_ = name;
  if (has_path && worker != ::geteuid() && ::lchown(name.c_str(), worker, static_cast<gid_t>(-1)) == -1) {
    return os::fail("lchown", name);
  }
  return socket;
}

WorkerSocket& WorkerSocket::operator=(WorkerSocket&& other) noexcept {
  remove();
  fd_ = std::move(other.fd_);
  address_ = std::exchange(other.address_, {});
  return *this;
}

void WorkerSocket::remove() {
  if (address_.starts_with('/')) ::unlink(address_.c_str());
}

}  // namespace liveswap::master
