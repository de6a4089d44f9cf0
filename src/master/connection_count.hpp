// One count of the connections that one worker has open, seen from outside: every process of the worker, every socket
// of each. A connection is the worker's if it can have been accepted from one of the listeners that the worker was
// given; one that several of its processes hold counts once, one that the program has closed does not count. Where the
// worker's generation has a queue of its own, who waits there counts, too.
//
// TCP connections are looked up in the kernel's list of sockets (tcp_count.hpp); a duplicate of a descriptor is made of
// other sockets only, for microseconds, and of a TCP connection that is to be closed since it is idle.
//
// Done in steps of microseconds, so that whoever counts a hundred thousand can do something else in between. Owned by
// DrainWatch.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/time.hpp"
#include "master/tcp_count.hpp"
#include "master/worker_tree.hpp"
#include "os/connection_facts.hpp"
#include "os/process_sockets.hpp"
#include "os/sockaddr.hpp"

namespace liveswap::master {

struct OpenConnection {
  os::ConnectionFacts facts;
  pid_t pid = 0;  // of a process that has it
};

struct CountTask {
  std::vector<TreeMember> processes;         // of the worker, those that it began with first
  std::vector<os::SocketAddress> listeners;  // from which its connections can have been accepted
  std::vector<os::OwnedFd> own_queues;       // listeners from which no other generation accepts
  std::optional<core::Duration> idle;        // idle connections are closed, ambiguous ones after so long
  std::shared_ptr<KnownSockets> known = std::make_shared<KnownSockets>();  // the worker's, from count to count
};

struct OpenDescriptors {
  pid_t pid = 0;
  std::size_t count = 0;
  bool operator==(const OpenDescriptors&) const = default;
};

struct Counted {
  std::vector<OpenConnection> connections;
  std::uint32_t queued = 0;       // that wait to be accepted from a queue of its own
  std::uint32_t closed_idle = 0;  // of the connections, right now
  bool certain = true;            // false: a process has ended or is about to, or descriptors are on their way to one
  std::vector<OpenDescriptors> descriptors;  // as the count began with each process
};

class ConnectionCount {
 public:
  explicit ConnectionCount(CountTask task);

  // True: it is done, and result() tells.
  bool step();

  // Unknown, where a process may not be looked into: nothing is guessed.
  [[nodiscard]] std::expected<Counted, std::string> result();

 private:
  void begin_process();
  void walk_on();
  void next_process();
  void refused(const os::Error& error);
  void take(const os::OwnedFd& socket, pid_t pid);
  [[nodiscard]] bool count_tcp();
  void take_tcp(const SocketHolder& holder, const os::ConnectionFacts& facts);
  void fetch(const SocketHolder& holder);
  void close_fetched_if_idle(const SocketHolder& holder, const os::ConnectionFacts& facts);
  [[nodiscard]] bool is_ours(const os::OwnedFd& socket) const;
  void add_queues();

  CountTask task_;
  std::size_t at_ = 0;  // the process that is looked at
  std::optional<os::ProcessSockets> walk_;
  TcpCount tcp_;
  std::unordered_set<std::uint64_t> seen_;  // cookies
  Counted counted_;
  std::string failure_;
};

}  // namespace liveswap::master
