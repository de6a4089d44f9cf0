#include "master/control_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "core/text.hpp"
#include "master/commands.hpp"
#include "master/outcome_json.hpp"
#include "os/sockaddr.hpp"
#include "os/socket_owner.hpp"
#include "os/unix_probe.hpp"

namespace liveswap::master {

namespace {

using wire::control::Level;

constexpr int kBacklog = 128;
constexpr int kAcceptsPerTurn = 16;
constexpr std::size_t kTurnedAwayMost = 32;
constexpr auto kLinger = std::chrono::seconds(1);
constexpr auto kAcceptAgain = std::chrono::seconds(1);
constexpr auto kComplaintEvery = std::chrono::seconds(1);

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

std::expected<std::unique_ptr<ControlServer>, std::string> ControlServer::open(
    loop::Loop& loop, Operations& master, const Log& log, const std::string& path, AccessRules rules,
    const ControlLimits& limits) {
  std::unique_ptr<ControlServer> server(new ControlServer(loop, master, log, path, std::move(rules), limits));
  if (auto listening = server->listen(); !listening) {
    return std::unexpected("the control socket: " + listening.error());
  }
  return server;
}

ControlServer::ControlServer(loop::Loop& loop, Operations& master, const Log& log, std::string path,
                             AccessRules rules, const ControlLimits& limits)
    : loop_(loop),
      master_(master),
      log_(log),
      path_(std::move(path)),
      rules_(std::move(rules)),
      limits_(limits),
      own_uid_(::geteuid()),
      accept_again_(loop, [this] { watch_->want({.readable = true}); }),
      linger_(loop, [this] { forget_turned_away(); }) {}

ControlServer::~ControlServer() {
  struct stat about {};
  if (inode_ != 0 && ::lstat(path_.c_str(), &about) == 0 && about.st_ino == inode_) ::unlink(path_.c_str());
}

std::expected<void, std::string> ControlServer::listen() {
  if (rules_.has_others()) {
    const auto reachable = rules_.check_reachable(std::filesystem::path(path_).parent_path().string());
    if (!reachable) return std::unexpected(reachable.error());
  }
  const auto address = os::SocketAddress::unix_path(path_);
  if (!address) return std::unexpected(address.error().message());
  if (auto way = make_way(path_); !way) return way;
  auto socket = os::open_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK);
  if (!socket) return std::unexpected(socket.error().message());
  if (const auto bound = os::bind_socket(*socket, *address); !bound)
    return std::unexpected(bound.error().message());
  struct stat about {};
  if (::lstat(path_.c_str(), &about) != 0) return std::unexpected(os::fail("lstat", path_).error().message());
  inode_ = about.st_ino;
  // Nobody can connect before it listens, so the mode is right in time.
  if (::chmod(path_.c_str(), rules_.has_others() ? 0666 : 0600) != 0) {
    return std::unexpected(os::fail("chmod", path_).error().message());
  }
  if (const auto listens = os::listen_on(*socket, kBacklog); !listens) {
    return std::unexpected(listens.error().message());
  }
  listener_ = std::move(*socket);
  auto watch =
      loop::FdWatch::open(loop_, listener_, {.readable = true}, [this](loop::Readiness) { accept_some(); });
  if (!watch) return std::unexpected(watch.error().message());
  watch_ = std::move(*watch);
  return {};
}

void ControlServer::accept_some() {
  for (int accepted = 0; accepted < kAcceptsPerTurn; ++accepted) {
    auto connection = os::accept_connection(listener_, SOCK_NONBLOCK);
    if (!connection) {
      // Out of descriptors or memory: whoever waits goes on waiting, and the loop does not spin.
      complain(connection.error().message() + "; trying again in " + core::text_of(kAcceptAgain));
      watch_->want({});
      return accept_again_.start_after(kAcceptAgain);
    }
    if (!*connection) return;
    admit(std::move((*connection)->socket));
  }
}

bool ControlServer::trusts(const os::PeerCredentials& peer) const {
  return peer.uid == 0 || peer.uid == own_uid_;
}

bool ControlServer::is_full_for(const os::PeerCredentials& peer) const {
  if (clients_.size() >= kControlClients) return true;
  if (trusts(peer)) return false;
  const auto count = [this](auto match) {
    return static_cast<std::size_t>(std::ranges::count_if(clients_, match));
  };
  return count([](const Client& client) { return !client.trusted; }) >=
             kControlClients - kControlClientsKept ||
         count([&](const Client& client) { return client.peer.uid == peer.uid; }) >= kControlClientsOfUser;
}

void ControlServer::admit(os::OwnedFd socket) {
  auto peer = os::peer_credentials(socket);
  if (!peer) return complain(peer.error().message());
  const Level level = rules_.level_of(*peer);
  if (level == Level::none) {
    return turn_away(std::move(socket),
                     denial(master_, peer->uid, level, Level::observers, "the control socket"));
  }
  if (is_full_for(*peer)) {
    return turn_away(
        std::move(socket),
        reply_of(refused(core::Result::failed, core::Reason::too_many_clients, ""), master_.snapshot()));
  }
  serve(std::move(socket), std::move(*peer), level);
}

void ControlServer::serve(os::OwnedFd socket, os::PeerCredentials peer, Level level) {
  const uid_t uid = peer.uid;
  const auto client = clients_.insert(clients_.end(), {std::move(peer), false, nullptr});
  client->trusted = trusts(client->peer);
  auto connection = ControlConnection::open(
      loop_, master_, std::move(socket), uid, level, limits_,
      [this, client](const std::string& complaint) { client_gone(client, complaint); });
  if (connection) {
    client->connection = std::move(*connection);
  } else {
    complain(connection.error().message());
    clients_.erase(client);
  }
}

void ControlServer::client_gone(Clients::iterator client, const std::string& complaint) {
  if (!complaint.empty()) {
    complain(fmt::format("dropped a client (PID {}, uid {}): it {}", client->peer.pid, client->peer.uid,
                         complaint));
  }
  clients_.erase(client);
}

void ControlServer::turn_away(os::OwnedFd socket, const wire::varlink::Reply& reply) {
  const std::string bytes = write_reply(reply);
  // A fresh socket's buffer holds it; if not, the client sees the end without the reason.
  [[maybe_unused]] const auto sent =
      ::send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::shutdown(socket.get(), SHUT_WR);
  if (turned_away_.size() >= kTurnedAwayMost) return;
  if (turned_away_.empty() && turned_away_before_.empty()) linger_.start_after(kLinger);
  turned_away_.push_back(std::move(socket));
}

void ControlServer::forget_turned_away() {
  turned_away_before_ = std::exchange(turned_away_, {});
  if (!turned_away_before_.empty()) linger_.start_after(kLinger);
}

void ControlServer::complain(const std::string& text) {
  if (complained_at_.count() != 0 && loop_.now() - complained_at_ < kComplaintEvery) {
    ++complaints_kept_back_;
    return;
  }
  const std::size_t more = std::exchange(complaints_kept_back_, 0);
  complained_at_ = loop_.now();
  log_.tell(core::LogLevel::warn, "control",
            more == 0 ? text : fmt::format("{} (and {} more like this)", text, more));
}

}  // namespace liveswap::master
