#include "master/serve_server.hpp"

#include <fmt/format.h>

#include <utility>

namespace liveswap::master {

using wire::control::Level;

std::expected<std::unique_ptr<ServeServer>, std::string> ServeServer::open(loop::Loop& loop, const Log& log,
                                                                           Settings settings, const AccessRules& rules,
                                                                           const UnixServer::Keeping& keeping,
                                                                           MakeSession make_session) {
  std::unique_ptr<ServeServer> server(
      new ServeServer(loop, log, std::move(settings), rules, std::move(make_session)));
  auto socket = UnixServer::open(loop, server->settings_.path, 0600, keeping,
                                 {.connected = [raw = server.get()](os::OwnedFd client, os::PeerCredentials peer) {
                                    raw->admit(std::move(client), std::move(peer));
                                  },
                                  .complaint = [raw = server.get()](const std::string& text) {
                                    raw->complaints_.tell(text);
                                  }});
  if (!socket) return std::unexpected(fmt::format("serve.{}: {}", server->settings_.name, socket.error()));
  server->socket_ = std::move(*socket);
  return server;
}

ServeServer::ServeServer(loop::Loop& loop, const Log& log, Settings settings, const AccessRules& rules,
                         MakeSession make_session)
    : loop_(loop),
      log_(log),
      settings_(std::move(settings)),
      rules_(rules),
      make_session_(std::move(make_session)),
      complaints_(loop, log, "serve." + settings_.name) {}

void ServeServer::admit(os::OwnedFd socket, os::PeerCredentials peer) {
  if (rules_.level_of(peer) != Level::admins) {
    return complaints_.tell(fmt::format("turned a client away (PID {}, uid {}): it needs the level admins "
                                        "(control: in the configuration)",
                                        peer.pid, peer.uid));
  }
  const auto client = clients_.insert(clients_.end(), {std::move(peer), nullptr});
  auto connection = ServeConnection::open(loop_, std::move(socket), make_session_(), settings_.time,
                                          [this, client](std::size_t sockets_given, const std::string& complaint) {
                                            client_gone(client, sockets_given, complaint);
                                          });
  if (!connection) {
    complaints_.tell(connection.error().message());
    clients_.erase(client);
    return;
  }
  client->connection = std::move(*connection);
  if (clients_.size() >= kServeClients) socket_->accept(false);
}

void ServeServer::client_gone(Clients::iterator client, std::size_t sockets_given, const std::string& complaint) {
  const std::string who = fmt::format("PID {}, uid {}", client->peer.pid, client->peer.uid);
  if (sockets_given > 0) {
    log_.tell(core::LogLevel::info, "serve." + settings_.name,
              fmt::format("gave {} socket{} to {}", sockets_given, sockets_given == 1 ? "" : "s", who));
  }
  if (!complaint.empty()) complaints_.tell(fmt::format("dropped a client ({}): it {}", who, complaint));
  clients_.erase(client);
  socket_->accept(true);
}

}  // namespace liveswap::master
