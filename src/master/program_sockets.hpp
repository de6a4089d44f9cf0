// The sockets that programs bind by themselves (`protocol: bind`): which are theirs to bind, at which address, and how
// they become sides of steered listeners (endpoint.hpp).
//
//   bind()    the program's socket is bound: where its app has a steered listener for what it asks for, else where one
//             is opened on demand
//   listen()  … it joins, as a side of the worker; a datagram socket does so when it is bound
//   abandon() no process has it any more
//
// Owned by Master; one thread.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/action.hpp"
#include "core/plan.hpp"
#include "master/bound_socket.hpp"
#include "master/listener_socket.hpp"
#include "master/listeners.hpp"
#include "master/on_demand.hpp"
#include "master/server_request.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

// A program's socket at an address.
struct PlacedSocket {
  BoundSocket at;                           // its `fd` is the master's copy of the program's socket
  std::unique_ptr<ListenerSocket> waiting;  // bound, and not listening yet
  // One that a worker before it had, and at which clients may wait: it takes the place of the program's own.
  bool is_inherited = false;
};

struct ProgramSocketState;  // workers_state.hpp

class ProgramSockets {
 public:
  ProgramSockets(Listeners& listeners, OnDemand& on_demand) : listeners_(listeners), on_demand_(on_demand) {}

  // `socket`: a copy of the program's; a socket of an earlier worker may be returned instead, where `may_inherit`.
  [[nodiscard]] std::expected<PlacedSocket, ServerRefusal> bind(const ServerRequest& request, os::OwnedFd socket,
                                                                bool may_inherit);
  [[nodiscard]] std::expected<void, ServerRefusal> listen(const SocketUser& user, PlacedSocket& placed, int backlog);
  void abandon(const PlacedSocket& placed);
  // One that the master before knew. The error is a sentence.
  using CookieOf = std::uint64_t (*)(os::FdRef socket);
  [[nodiscard]] std::expected<PlacedSocket, std::string> restore(ProgramSocketState& state,
                                                                 CookieOf cookie_of);

  // Whether there would be a place for one more that no listener of the file has.
  [[nodiscard]] bool is_full(core::AppId app, const core::AppPlan& plan) const;
  [[nodiscard]] bool has_place(const ServerRequest& request);

  // Where a worker of the app does not listen yet, in words: the listeners of the file that it must have, and what else
  // the workers have that serve now, which a new release may do without.
  struct Missing {
    std::vector<std::string> listeners, others;
  };
  [[nodiscard]] Missing missing(core::AppId app, const core::AppPlan& plan, const std::vector<BoundSocket>& bound);

  // Whether its workers bind paths, from which a program that tidies up may remove what clients find there.
  [[nodiscard]] bool has_paths(core::AppId app, const core::AppPlan& plan) const;

 private:
  Listeners& listeners_;
  OnDemand& on_demand_;
};

}  // namespace liveswap::master
