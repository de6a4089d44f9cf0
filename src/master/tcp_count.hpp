// The TCP connections among the sockets that a worker's processes have: found in the kernel's list by the inodes that
// /proc tells, without a duplicate of any. A program that closes one is its last owner and nothing of it stays behind,
// in an epoll set, say.
//
// The list is long: it is gone through for inodes that are not known yet. What is known is looked up by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "os/error.hpp"
#include "os/sockaddr.hpp"
#include "os/tcp_sockets.hpp"

namespace liveswap::master {

// What the TCP sockets of one worker are, from one count to the next; two counts may be under way at once.
struct KnownSocket {
  std::optional<os::TcpName> name;  // of a connection of the worker's
  int missed = 0;                   // how often it was looked for in vain
  // It is no connection from one of the worker's listeners, or none any more. One look is not enough: while the list is
  // gone through it changes.
  [[nodiscard]] bool is_other() const { return missed > 1; }
  [[nodiscard]] static KnownSocket other() { return {.name = std::nullopt, .missed = 2}; }
};
using KnownSockets = std::unordered_map<std::uint64_t, KnownSocket>;  // by inode

struct SocketHolder {
  std::size_t process = 0;  // which of the task's
  int number = -1;          // of the descriptor
};

// One count; done in steps of microseconds, but for the walk over a large table (os/tcp_sockets.hpp).
class TcpCount {
 public:
  using Found = std::function<void(const SocketHolder&, const os::ConnectionFacts&)>;

  TcpCount(std::shared_ptr<KnownSockets> known, std::vector<os::SocketAddress> listeners)
      : known_(std::move(known)), listeners_(std::move(listeners)) {}

  // All before the first step. One that several processes have counts once.
  void add(std::uint64_t inode, SocketHolder holder) { holders_.try_emplace(inode, holder); }

  // True: that was all.
  [[nodiscard]] os::Result<bool> step(const Found& found);
  // After an error of step(): those of which nothing could be learnt.
  [[nodiscard]] std::vector<SocketHolder> unknown() const;

 private:
  void begin();
  [[nodiscard]] os::Result<void> look_up_next(const Found& found);
  [[nodiscard]] os::Result<bool> go_through_list(const Found& found);
  void meet(const os::TcpConnection& connection, const Found& found);

  std::shared_ptr<KnownSockets> known_;
  std::vector<os::SocketAddress> listeners_;
  std::unordered_map<std::uint64_t, SocketHolder> holders_;
  std::optional<os::TcpSockets> sockets_;
  std::vector<std::uint64_t> named_;                         // that are still to be looked up
  std::unordered_map<std::uint64_t, SocketHolder> missing_;  // that are to be found in the list
  std::vector<std::pair<int, std::uint16_t>> lists_;         // family and port, that are still to be gone through
  bool begun_ = false, listing_ = false;
};

}  // namespace liveswap::master
