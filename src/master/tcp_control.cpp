#include "master/tcp_control.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <utility>

#include "os/sock_diag.hpp"
#include "os/socket.hpp"
#include "os/socket_option.hpp"

namespace liveswap::master {

namespace {

using wire::control::Level;

constexpr int kBacklog = 16;
constexpr int kAcceptsPerTurn = 16;
constexpr auto kAcceptAgain = std::chrono::seconds(1);

// Who has the other end of a connection within this machine: by all four parts of it, so that nobody else's is found.
std::expected<uid_t, std::string> owner_of(const os::SocketAddress& peer, const os::SocketAddress& own) {
  const auto found = os::find_tcp_socket(peer, own);
  if (!found) return std::unexpected(found.error().message());
  if (!found->established || found->inode == 0) return std::unexpected("its socket is closed, or closing");
  return found->uid;
}

os::PeerCredentials credentials_of(uid_t uid) { return {.pid = 0, .uid = uid, .gid = static_cast<gid_t>(-1)}; }

}  // namespace

std::expected<std::unique_ptr<TcpControl>, std::string> TcpControl::open(loop::Loop& loop, Operations& master,
                                                                         const Log& log, AccessRules rules,
                                                                         Settings settings, Keeper& keeper) {
  std::unique_ptr<TcpControl> control(new TcpControl(loop, master, log, std::move(rules), std::move(settings)));
  if (const auto listening = control->listen(keeper); !listening) {
    return std::unexpected("the TCP control port: " + listening.error().message());
  }
  return control;
}

TcpControl::TcpControl(loop::Loop& loop, Operations& master, const Log& log, AccessRules rules, Settings settings)
    : loop_(loop),
      master_(master),
      rules_(std::move(rules)),
      settings_(std::move(settings)),
      complaints_(loop, log, "tcp control"),
      accept_again_(loop, [this] { watch_->want({.readable = true}); }) {}

os::Result<os::OwnedFd> TcpControl::bind() const {
  const core::Address& wanted = settings_.address;
  const auto address = wanted.host.contains(':') ? os::SocketAddress::ipv6(wanted.host, wanted.port)
                                                 : os::SocketAddress::ipv4(wanted.host, wanted.port);
  if (!address) return std::unexpected(address.error());
  auto socket = os::open_socket(address->family(), SOCK_STREAM | SOCK_NONBLOCK);
  if (!socket) return std::unexpected(socket.error());
  if (auto set = os::set_option(*socket, os::option::kReuseAddress, 1); !set) return std::unexpected(set.error());
  if (auto bound = os::bind_socket(*socket, *address); !bound) return std::unexpected(bound.error());
  if (auto listens = os::listen_on(*socket, kBacklog); !listens) return std::unexpected(listens.error());
  return socket;
}

// The socket of an earlier master goes on, whatever the port that the kernel chose for it.
os::Result<void> TcpControl::listen(Keeper& keeper) {
  const KeepKey key{KeepRole::tcp_control_listener, 0, 0};
  auto left = keeper.take(key);
  auto socket = left ? os::Result<os::OwnedFd>(std::move(left->fd)) : bind();
  if (!socket) return std::unexpected(socket.error());
  listener_ = std::move(*socket);
  kept_ = left ? std::move(left->kept) : keeper.keep(key, listener_);
  auto own = os::local_address(listener_);
  if (!own) return std::unexpected(own.error());
  address_ = *own;
  auto watch = loop::FdWatch::open(loop_, listener_, {.readable = true}, [this](loop::Readiness) { accept_some(); });
  if (!watch) return std::unexpected(watch.error());
  watch_ = std::move(*watch);
  return {};
}

void TcpControl::accept_some() {
  for (int accepted = 0; accepted < kAcceptsPerTurn; ++accepted) {
    auto connection = os::accept_connection(listener_, SOCK_NONBLOCK);
    if (!connection) {
      complaints_.tell(connection.error().message());
      watch_->want({});
      return accept_again_.start_after(kAcceptAgain);
    }
    if (!*connection) return;
    admit(std::move((*connection)->socket), (*connection)->peer);
  }
}

// Who is not let in is not answered: what he speaks is not known.
void TcpControl::admit(os::OwnedFd socket, const os::SocketAddress& peer) {
  const auto own = os::local_address(socket);
  if (!own) return complaints_.tell(own.error().message());
  const auto uid = owner_of(peer, *own);
  const auto refuse = [&](std::string_view why) {
    complaints_.tell(fmt::format("refused {} on {}: {}", peer.text(), own->text(), why));
  };
  if (!uid) return refuse(uid.error());
  const Level level = rules_.level_of(credentials_of(*uid));
  if (level == Level::none) return refuse(fmt::format("uid {} is listed at no level", *uid));
  if (clients_.size() >= kTcpClients) return refuse(fmt::format("{} clients are connected", clients_.size()));
  const auto client = clients_.insert(clients_.end(), nullptr);
  auto session = TcpSession::open(
      loop_, master_, std::move(socket), {*uid, level, [peer, own = *own] { return owner_of(peer, own); }},
      settings_.folder, settings_.limits, [this, client, peer, uid = *uid](const std::string& complaint) {
        if (!complaint.empty()) {
          complaints_.tell(fmt::format("dropped {} (uid {}): it {}", peer.text(), uid, complaint));
        }
        clients_.erase(client);
      });
  if (session) {
    *client = std::move(*session);
  } else {
    complaints_.tell(session.error().message());
    clients_.erase(client);
  }
}

}  // namespace liveswap::master
