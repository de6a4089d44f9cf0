#include "master/control_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "master/commands.hpp"
#include "master/outcome_json.hpp"
#include "os/discard.hpp"

namespace liveswap::master {

namespace {

using wire::control::Level;

constexpr std::size_t kTurnedAwayMost = 32;
constexpr auto kLinger = std::chrono::seconds(1);

}  // namespace

std::expected<std::unique_ptr<ControlServer>, std::string> ControlServer::open(
    loop::Loop& loop, Operations& master, const Log& log, const std::string& path, AccessRules rules,
    Keeper& keeper, const ControlLimits& limits) {
  std::unique_ptr<ControlServer> server(new ControlServer(loop, master, log, path, std::move(rules), limits));
  if (auto listening = server->listen(keeper); !listening) {
    return std::unexpected("the control socket: " + listening.error());
  }
  return server;
}

ControlServer::ControlServer(loop::Loop& loop, Operations& master, const Log& log, std::string path,
                             AccessRules rules, const ControlLimits& limits)
    : loop_(loop),
      master_(master),
      path_(std::move(path)),
      rules_(std::move(rules)),
      limits_(limits),
      own_uid_(::geteuid()),
      complaints_(loop, log, "control"),
      linger_(loop, [this] { forget_turned_away(); }) {}

ControlServer::~ControlServer() {
  for (const auto* sockets : {&turned_away_, &turned_away_before_}) {
    for (const os::OwnedFd& socket : *sockets) os::discard_unread(socket);
  }
}

std::expected<void, std::string> ControlServer::listen(Keeper& keeper) {
  if (rules_.has_others()) {
    const auto reachable = rules_.check_reachable(std::filesystem::path(path_).parent_path().string());
    if (!reachable) return std::unexpected(reachable.error());
  }
  auto socket = UnixServer::open(
      loop_, path_, rules_.has_others() ? 0666 : 0600, {keeper, {KeepRole::control_listener, 0, 0}},
      {.connected = [this](os::OwnedFd client, os::PeerCredentials peer) { admit(std::move(client), std::move(peer)); },
       .complaint = [this](const std::string& text) { complaints_.tell(text); }});
  if (!socket) return std::unexpected(socket.error());
  socket_ = std::move(*socket);
  return {};
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

void ControlServer::admit(os::OwnedFd socket, os::PeerCredentials peer) {
  const Level level = rules_.level_of(peer);
  if (level == Level::none) {
    return turn_away(std::move(socket),
                     denial(master_, peer.uid, level, Level::observers, "the control socket"));
  }
  if (is_full_for(peer)) {
    return turn_away(
        std::move(socket),
        reply_of(refused(core::Result::failed, core::Reason::too_many_clients, ""), master_.snapshot()));
  }
  serve(std::move(socket), std::move(peer), level);
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
    complaints_.tell(connection.error().message());
    clients_.erase(client);
  }
}

void ControlServer::client_gone(Clients::iterator client, const std::string& complaint) {
  if (!complaint.empty()) {
    complaints_.tell(
        fmt::format("dropped a client (PID {}, uid {}): it {}", client->peer.pid, client->peer.uid, complaint));
  }
  clients_.erase(client);
}

void ControlServer::turn_away(os::OwnedFd socket, const wire::varlink::Reply& reply) {
  const std::string bytes = write_reply(reply);
  // A fresh socket's buffer holds it; if not, the client sees the end without the reason.
  [[maybe_unused]] const auto sent =
      ::send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  ::shutdown(socket.get(), SHUT_WR);
  if (turned_away_.size() >= kTurnedAwayMost) return os::discard_unread(socket);
  if (turned_away_.empty() && turned_away_before_.empty()) linger_.start_after(kLinger);
  turned_away_.push_back(std::move(socket));
}

void ControlServer::forget_turned_away() {
  for (const os::OwnedFd& socket : turned_away_before_) os::discard_unread(socket);
  turned_away_before_ = std::exchange(turned_away_, {});
  if (!turned_away_before_.empty()) linger_.start_after(kLinger);
}

}  // namespace liveswap::master
