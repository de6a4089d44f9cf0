#include "master/unix_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <chrono>
#include <utility>

#include "core/text.hpp"
#include "os/discard.hpp"
#include "os/sockaddr.hpp"
#include "os/socket_option.hpp"
#include "os/socket_owner.hpp"
#include "os/unix_probe.hpp"

namespace liveswap::master {

namespace {

constexpr int kBacklog = 128;
constexpr int kAcceptsPerTurn = 16;
constexpr auto kAcceptAgain = std::chrono::seconds(1);
// Linux 6.16 has it, and headers get it later. Off, who sends descriptors is refused by the kernel.
constexpr os::SocketOption kPassRights{SOL_SOCKET, 83, "SO_PASSRIGHTS"};

std::expected<void, std::string> check_free(const std::string& path) {
  const auto state = os::probe_unix(path);
  if (!state) return std::unexpected(state.error().message());
  if (*state != os::UnixPath::in_use) return {};
  const auto address = os::SocketAddress::unix_path(path);
  const auto owner = address ? os::find_socket_owner(*address, SOCK_STREAM) : std::nullopt;
  return std::unexpected(fmt::format("{} is in use{}", path, owner ? " by " + owner->text() : ""));
}

// It is this path that its clients come by.
bool is_bound_to(os::FdRef socket, const std::string& path) {
  const auto own = os::local_address(socket);
  const auto wanted = os::SocketAddress::unix_path(path);
  const auto state = os::probe_unix(path);
  return own && wanted && own->text() == wanted->text() && state && *state == os::UnixPath::in_use;
}

}  // namespace

std::expected<std::unique_ptr<UnixServer>, std::string> UnixServer::open(loop::Loop& loop, const std::string& path,
                                                                         mode_t mode, const Keeping& keeping,
                                                                         Handlers handlers) {
  std::unique_ptr<UnixServer> server(new UnixServer(loop, path, std::move(handlers)));
  auto left = keeping.keeper.take(keeping.key);
  const bool is_there = left && is_bound_to(left->fd, path);
  auto listening = is_there ? server->go_on(std::move(*left)) : server->listen(mode, keeping);
  if (!listening) return std::unexpected(listening.error());
  auto watch = loop::FdWatch::open(loop, server->listener_, {.readable = true},
                                   [self = server.get()](loop::Readiness) { self->accept_some(); });
  if (!watch) return std::unexpected(watch.error().message());
  server->watch_ = std::move(*watch);
  return server;
}

UnixServer::UnixServer(loop::Loop& loop, std::string path, Handlers handlers)
    : path_(std::move(path)),
      handlers_(std::move(handlers)),
      accept_again_(loop, [this] { accept(accepts_); }) {}

UnixServer::~UnixServer() {
  os::discard_unaccepted(listener_);
  if (file_ && file_->ours()) file_->remove();
}

// One that an earlier master has opened, and whose file is there.
std::expected<void, std::string> UnixServer::go_on(KeptFd kept) {
  auto file = ListenerPath::found(path_);
  if (!file) return std::unexpected(file.error().message());
  file_ = std::move(*file);
  listener_ = std::move(kept.fd);
  kept_ = std::move(kept.kept);
  return {};
}

std::expected<void, std::string> UnixServer::listen(mode_t mode, const Keeping& keeping) {
  if (auto is_free = check_free(path_); !is_free) return is_free;
  auto socket = os::open_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
  if (!socket) return std::unexpected(socket.error().message());
  PathRights rights;
  rights.mode = mode;
  auto file = ListenerPath::bind(*socket, path_, rights);
  if (!file) return std::unexpected(file.error().message());
  file_ = std::move(*file);
  // Its connections inherit it. Older kernels deliver descriptors, which are closed unlooked at (os/discard.hpp).
  [[maybe_unused]] const auto refused = os::set_option(*socket, kPassRights, 0);
  if (const auto listens = os::listen_on(*socket, kBacklog); !listens) {
    return std::unexpected(listens.error().message());
  }
  listener_ = std::move(*socket);
  kept_ = keeping.keeper.keep(keeping.key, listener_);
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
      os::discard_unread((*connection)->socket);
    }
  }
}

}  // namespace liveswap::master
