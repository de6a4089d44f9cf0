// The TCP control port (-p, -a): the namesake's protocol, on a loopback address, for its own client. Listens, lets in
// whom the levels list, and owns the sessions. Owned by Master.
#pragma once

#include <cstddef>
#include <expected>
#include <list>
#include <memory>
#include <string>

#include "core/plan.hpp"
#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/access.hpp"
#include "master/complaints.hpp"
#include "master/keeper.hpp"
#include "master/log.hpp"
#include "master/operations.hpp"
#include "master/tcp_session.hpp"
#include "os/fd.hpp"
#include "os/sockaddr.hpp"

namespace liveswap::master {

inline constexpr std::size_t kTcpClients = 16;

class TcpControl {
 public:
  struct Settings {
    core::Address address;
    std::string folder;  // what the paths of requests are relative to
    TcpLimits limits{};
  };

  // The error is one sentence.
  static std::expected<std::unique_ptr<TcpControl>, std::string> open(loop::Loop& loop, Operations& master,
                                                                      const Log& log, AccessRules rules,
                                                                      Settings settings, Keeper& keeper);
  TcpControl(const TcpControl&) = delete;
  TcpControl& operator=(const TcpControl&) = delete;

  [[nodiscard]] const os::SocketAddress& address() const { return address_; }  // with the real port
  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

 private:
  using Clients = std::list<std::unique_ptr<TcpSession>>;

  TcpControl(loop::Loop& loop, Operations& master, const Log& log, AccessRules rules, Settings settings);
  os::Result<void> listen(Keeper& keeper);
  os::Result<os::OwnedFd> bind() const;
  void accept_some();
  void admit(os::OwnedFd socket, const os::SocketAddress& peer);

  loop::Loop& loop_;
  Operations& master_;
  AccessRules rules_;
  Settings settings_;
  Complaints complaints_;
  os::SocketAddress address_;
  os::OwnedFd listener_;
  Kept kept_;
  std::unique_ptr<loop::FdWatch> watch_;
  loop::Timer accept_again_;
  Clients clients_;
};

}  // namespace liveswap::master
