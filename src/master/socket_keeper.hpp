// Numbers for the sockets of the listeners, under which copies of them are kept for the next master (keeper.hpp).
//
// Owned by Listeners; one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "master/keeper.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

// Of a socket, for as long as it is open; empty: no copy is kept.
struct KeptSocket {
  std::uint64_t number = 0;
  Kept kept;
};

class SocketKeeper {
 public:
  explicit SocketKeeper(Keeper& keeper) : keeper_(keeper) {}

  [[nodiscard]] KeptSocket keep(os::FdRef socket) {
    const std::uint64_t number = ++last_;
    return {number, keeper_.keep(key_of(number), socket)};
  }

  // One of the master before; none: it was not kept.
  [[nodiscard]] std::optional<std::pair<os::OwnedFd, KeptSocket>> take(std::uint64_t number) {
    auto left = keeper_.take(key_of(number));
    if (!left) return std::nullopt;
    return std::pair(std::move(left->fd), KeptSocket{number, std::move(left->kept)});
  }

  [[nodiscard]] std::uint64_t last() const { return last_; }
  // The last number that the master before had written down. Sockets that it has opened since then are in no state:
  // they stop listening, and are not kept any more.
  void go_on_from(std::uint64_t last);

 private:
  [[nodiscard]] static KeepKey key_of(std::uint64_t number) { return {KeepRole::listener_socket, 0, number}; }

  Keeper& keeper_;
  std::uint64_t last_ = 0;
};

}  // namespace liveswap::master
