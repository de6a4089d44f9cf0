// A socket at which other programs fetch listeners, in one protocol: lets in who has the level of admins, a few at a
// time, and owns the connections.
//
// Owned by Serving. The socket's file is its owner's alone (0600). Who a peer is decides before a byte of his is read.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "loop/loop.hpp"
#include "master/access.hpp"
#include "master/complaints.hpp"
#include "master/log.hpp"
#include "master/serve_connection.hpp"
#include "master/unix_server.hpp"

namespace liveswap::master {

// Who comes while so many are served waits until one of them has gone.
inline constexpr std::size_t kServeClients = 16;
// What these protocols say takes milliseconds.
inline constexpr std::chrono::seconds kServeTime{10};

class ServeServer {
 public:
  struct Settings {
    std::string name;  // "haproxy": of the key below `serve`
    std::string path;
    std::chrono::microseconds time = kServeTime;  // that a client has
  };
  using MakeSession = std::function<std::unique_ptr<ServeSession>()>;

  // The error is one sentence.
  static std::expected<std::unique_ptr<ServeServer>, std::string> open(loop::Loop& loop, const Log& log,
                                                                       Settings settings, const AccessRules& rules,
                                                                       const UnixServer::Keeping& keeping,
                                                                       MakeSession make_session);
  ServeServer(const ServeServer&) = delete;
  ServeServer& operator=(const ServeServer&) = delete;

  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

 private:
  struct Client {
    os::PeerCredentials peer;
    std::unique_ptr<ServeConnection> connection;
  };
  using Clients = std::list<Client>;

  ServeServer(loop::Loop& loop, const Log& log, Settings settings, const AccessRules& rules, MakeSession make_session);
  void admit(os::OwnedFd socket, os::PeerCredentials peer);
  void client_gone(Clients::iterator client, std::size_t sockets_given, const std::string& complaint);

  loop::Loop& loop_;
  const Log& log_;
  Settings settings_;
  AccessRules rules_;
  MakeSession make_session_;
  Complaints complaints_;
  std::unique_ptr<UnixServer> socket_;
  Clients clients_;
};

}  // namespace liveswap::master
