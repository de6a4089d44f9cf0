// The control socket: listens, lets in whom the configuration lists, and owns the connections.
//
// Owned by Master. The socket's file appears when this is opened and goes with it. Who a peer is, the kernel
// says; that decides before a byte of his is read.
#pragma once

#include <expected>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/access.hpp"
#include "master/complaints.hpp"
#include "master/control_connection.hpp"
#include "master/log.hpp"
#include "master/operations.hpp"
#include "master/unix_server.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

inline constexpr std::size_t kControlClients = 256;
// So many of them are kept for root and the master's user, and so many at most are any other user's.
inline constexpr std::size_t kControlClientsKept = 32;
inline constexpr std::size_t kControlClientsOfUser = 64;

class ControlServer {
 public:
  // Replaces the file of a socket that nobody listens on. The error is one sentence.
  static std::expected<std::unique_ptr<ControlServer>, std::string> open(loop::Loop& loop, Operations& master,
                                                                         const Log& log,
                                                                         const std::string& path,
                                                                         AccessRules rules, Keeper& keeper,
                                                                         const ControlLimits& limits = {});
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

 private:
  struct Client {
    os::PeerCredentials peer;
    bool trusted = false;  // root, or the master's user
    std::unique_ptr<ControlConnection> connection;
  };
  using Clients = std::list<Client>;

  ControlServer(loop::Loop& loop, Operations& master, const Log& log, std::string path, AccessRules rules,
                const ControlLimits& limits);

  std::expected<void, std::string> listen(Keeper& keeper);
  void admit(os::OwnedFd socket, os::PeerCredentials peer);
  void serve(os::OwnedFd socket, os::PeerCredentials peer, wire::control::Level level);
  [[nodiscard]] bool is_full_for(const os::PeerCredentials& peer) const;
  [[nodiscard]] bool trusts(const os::PeerCredentials& peer) const;
  void turn_away(os::OwnedFd socket, const wire::varlink::Reply& reply);
  void forget_turned_away();
  void client_gone(Clients::iterator client, const std::string& complaint);

  loop::Loop& loop_;
  Operations& master_;
  std::string path_;
  AccessRules rules_;
  ControlLimits limits_;
  uid_t own_uid_;

  Complaints complaints_;
  std::unique_ptr<UnixServer> socket_;
  Clients clients_;

  // Sockets of those who were turned away, kept open a moment so that they can send their call in peace and
  // then read why. Not a byte of them is read.
  std::vector<os::OwnedFd> turned_away_, turned_away_before_;
  loop::Timer linger_;
};

}  // namespace liveswap::master
