// TCP connections as sock_diag shows them: without a descriptor of any, so that nothing changes for whoever has one,
// not even how long a socket that is closed lives on. Those of this process's network namespace; no right is needed.
#pragma once

#include <linux/inet_diag.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "os/connection_facts.hpp"
#include "os/diag_socket.hpp"
#include "os/error.hpp"
#include "os/sockaddr.hpp"

namespace liveswap::os {

// Names one connection for good: its ends, and its cookie, which no later one has.
struct TcpName {
  int family = 0;
  inet_diag_sockid id{};
};

struct TcpConnection {
  TcpName name;
  std::uint32_t inode = 0;  // as in the link socket:[INODE] of /proc/PID/fd; 0: no process has it, or not yet
  SocketAddress local;
  ConnectionFacts facts;
};

class TcpSockets {
 public:
  using Receiver = std::function<void(const TcpConnection&)>;

  [[nodiscard]] static Result<TcpSockets> open();

  // nullopt: it is none any more.
  [[nodiscard]] Result<std::optional<TcpConnection>> look_up(const TcpName& name);

  // All connections of a family whose own port is that, a hundred or so with each more(), until that says true. The
  // kernel walks over all of the machine's: a few milliseconds where its table is large. What comes or goes meanwhile
  // may be missed. Between the two nothing else may be asked.
  [[nodiscard]] Result<void> list(int family, std::uint16_t own_port);
  [[nodiscard]] Result<bool> more(const Receiver& receiver);

 private:
  explicit TcpSockets(DiagSocket diag) : diag_(std::move(diag)) {}

  DiagSocket diag_;
};

}  // namespace liveswap::os
