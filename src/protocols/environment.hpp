// The variables by which a worker finds its sockets and its master. Every worker that is handed descriptors
// from 3 on gets all conventions that do not conflict (systemd's, einhorn's, Server::Starter's), so most
// programs need no setting. Pure: numbers and texts in, variables out.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/choices.hpp"

namespace liveswap::protocols {

inline constexpr int kFirstListener = 3;  // SD_LISTEN_FDS_START

// One socket that the worker gets; a listener with several addresses is several of these.
struct HandedSocket {
  enum class Family { ipv4, ipv6, unix_path };

  std::string name;
  int number = kFirstListener;
  Family family = Family::ipv4;
  std::string host;  // numeric, without brackets; of a Unix socket its path, or '@' and the abstract name
  std::uint16_t port = 0;  // the real one
  core::SocketKind kind = core::SocketKind::tcp;
};

struct LaunchFacts {
  std::string app;
  std::uint32_t slot = 0;
  std::uint64_t generation = 0;
  std::uint64_t release = 0;
  std::string worker;                 // the worker's mark, by which all processes that it started can be found
  std::uint64_t worker_number = 0;    // counted up from 1 in a master's life
  std::vector<HandedSocket> sockets;  // numbered without a gap, from kFirstListener unless inherit_as says
  std::string notify_socket;          // path
  int master_pid = 0;
  std::optional<std::chrono::microseconds> watchdog;
  bool listen_pid = true;                     // LISTEN_PID is set
  std::optional<core::InheritAs> inherit_as;  // instead of LISTEN_*
};

struct Environment {
  std::vector<std::pair<std::string, std::string>> variables;
  std::vector<std::string> pid_variables;  // to be set to the program's own process id, by the launcher
};

// What every worker gets, whatever its protocol.
[[nodiscard]] Environment environment_of_every_worker(const LaunchFacts& facts);

// The same, with what all protocols with sockets from 3 on have in common.
[[nodiscard]] Environment common_environment(const LaunchFacts& facts);

}  // namespace liveswap::protocols
