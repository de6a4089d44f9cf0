// The listeners that other programs than workers may have, and the sockets that are bound for them.
//
// Owned by Serving. Whatever is given away stays with whoever has it: closing the listener then closes the master's
// copy and the workers' alone.
#pragma once

#include <cstddef>
#include <expected>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/plan.hpp"
#include "master/bound_socket.hpp"
#include "master/listeners.hpp"
#include "master/log.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

class ServedListeners {
 public:
  ServedListeners(Listeners& listeners, const core::MasterPlan& plan, const Log& log);

  struct Socket {
    os::OwnedFd fd;         // a copy
    std::string interface;  // that it is bound to; "" for all
  };
  // Copies of all open sockets of the file's listeners that accept streams. What another program had done to them is
  // put right first.
  [[nodiscard]] os::Result<std::vector<Socket>> streams();

  // What a client of multibinder asks for: a listener of the file; else a socket that allow_bind allows, which is kept
  // for the next one who asks. `backlog` is for one that is opened now. The error is one sentence.
  [[nodiscard]] std::expected<os::OwnedFd, std::string> bind(const std::string& host, std::uint16_t port,
                                                             std::optional<int> backlog);

 private:
  struct Kept {
    core::Address address;
    std::string name;  // of the listener
  };
  [[nodiscard]] std::optional<BoundSocket> find(const core::Address& address) const;
  [[nodiscard]] std::expected<void, std::string> open(const core::Address& address, std::optional<int> backlog);
  [[nodiscard]] os::Result<os::OwnedFd> copy_of(const BoundSocket& socket);
  void put_right(std::span<const std::string> names);

  Listeners& listeners_;
  const Log& log_;
  std::vector<core::ListenerPlan> plans_;  // of the file's listeners
  std::vector<std::string> names_;         // theirs
  std::vector<core::Address> allowed_;
  std::vector<Kept> kept_;
};

}  // namespace liveswap::master
