#include "master/unix_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "core/text.hpp"
#include "os/sockaddr.hpp"
#include "os/socket_owner.hpp"
#include "os/unix_probe.hpp"

namespace liveswap::master {

namespace {

constexpr int kBacklog = 128;
constexpr int kAcceptsPerTurn = 16;
constexpr auto kAcceptAgain = std::chrono::seconds(1);

std::expected<void, std::string> make_way(const std::string& path) {
  const auto state = os::probe_unix(path);
  if (!state) return std::unexpected(state.error().message());
  if (*state == os::UnixPath::absent) return {};
  if (*state == os::UnixPath::in_use) {
    const auto address = os::SocketAddress::unix_path(path);
    const auto owner = address ? os::find_socket_owner(*address, SOCK_STREAM) : std::nullopt;
    return std::unexpected(fmt::format("{} is in use{}", path, owner ? " by " + owner->text() : ""));
  }
  if (::unlink(path.c_str()) != 0) return std::unexpected(os::fail("unlink", path).error().message());
  return {};
}

}  // namespace

std::expected<std::unique_ptr<UnixServer>, std::string> UnixServer::open(loop::Loop& loop, const std::string& path,
                                                                         mode_t mode, Handlers handlers) {
  std::unique_ptr<UnixServer> server(new UnixServer(loop, path, std::move(handlers)));
  if (auto listening = server->listen(loop, mode); !listening) return std::unexpected(listening.error());
  return server;
}

UnixServer::UnixServer(loop::Loop& loop, std::string path, Handlers handlers)
    : path_(std::move(path)),
      handlers_(std::move(handlers)),
      accept_again_(loop, [this] { accept(accepts_); }) {}

UnixServer::~UnixServer() {
  struct stat about {};
  if (inode_ != 0 && ::lstat(path_.c_str(), &about) == 0 && about.st_ino == inode_) ::unlink(path_.c_str());
}

std::expected<void, std::string> UnixServer::listen(loop::Loop& loop, mode_t mode) {
  const auto address = os::SocketAddress::unix_path(path_);
  if (!address) return std::unexpected(address.error().message());
  if (auto way = make_way(path_); !way) return way;
  auto socket = os::open_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
  if (!socket) return std::unexpected(socket.error().message());
  if (const auto bound = os::bind_socket(*socket, *address); !bound) return std::unexpected(bound.error().message());
  struct stat about {};
  if (::lstat(path_.c_str(), &about) != 0) return std::unexpected(os::fail("lstat", path_).error().message());
  inode_ = about.st_ino;
  // Nobody can connect before it listens, so the mode is right in time.
  if (::chmod(path_.c_str(), mode) != 0) return std::unexpected(os::fail("chmod", path_).error().message());
  if (const auto listens = os::listen_on(*socket, kBacklog); !listens) {
    return std::unexpected(listens.error().message());
  }
  listener_ = std::move(*socket);
  auto watch = loop::FdWatch::open(loop, listener_, {.readable = true}, [this](loop::Readiness) { accept_some(); });
  if (!watch) return std::unexpected(watch.error().message());
  watch_ = std::move(*watch);
  return {};
}

void UnixServer::accept(bool on) {
  accepts_ = on;
  watch_->want({.readable = on});
}

void UnixServer::accept_some() {
  for (int accepted = 0; accepts_ && accepted < kAcceptsPerTurn; ++accepted) {
    auto connection = os::accept_connection(listener_, SOCK_NONBLOCK);
    if (!connection) {
      // Out of descriptors or memory: whoever waits goes on waiting, and the loop does not spin.
      handlers_.complaint(connection.error().message() + "; trying again in " + core::text_of(kAcceptAgain));
      watch_->want({});
      return accept_again_.start_after(kAcceptAgain);
    }
    if (!*connection) return;
    auto peer = os::peer_credentials((*connection)->socket);
    if (peer) {
      handlers_.connected(std::move((*connection)->socket), std::move(*peer));
    } else {
      handlers_.complaint(peer.error().message());
    }
  }
}

}  // namespace liveswap::master
