// A listener: a name, its plan, and its sockets while it is open.
//
// Owned by Listeners, which decides when it opens and closes. Everything it says begins with "listener NAME:
// ".
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/plan.hpp"
#include "master/bound_socket.hpp"
#include "master/endpoint.hpp"
#include "master/facts.hpp"
#include "master/listener_path.hpp"
#include "master/socket_keeper.hpp"

namespace liveswap::master {

struct EndpointState;  // listeners_state.hpp
struct ListenerState;
struct SocketRequest;

class Listener {
 public:
  // `backlog`: for a plan that names none. `keeper` outlives it.
  Listener(core::ListenerPlan plan, PathRights rights, int backlog, SocketKeeper& keeper);
  // One that the master before has left, as far as its sockets are there; what is missing is told.
  [[nodiscard]] static std::unique_ptr<Listener> restore(ListenerState state, SocketKeeper& keeper,
                                                         std::vector<std::string>& problems);
  [[nodiscard]] ListenerState save() const;

  [[nodiscard]] const std::string& name() const { return plan_.name; }
  [[nodiscard]] bool is_open() const { return !endpoints_.empty(); }

  // Opens all of its sockets or none; every failure is told.
  [[nodiscard]] std::expected<void, std::vector<OpenFailure>> open();
  void close();
  // Is open from now on, around sockets of a server that runs, at its one address.
  [[nodiscard]] std::expected<void, OpenFailure> adopt(const SocketUser& user, std::vector<os::OwnedFd> sockets);

  // For the time between an app's wish to stop and its end. What could not be held back is told, once.
  [[nodiscard]] std::vector<std::string> hold_back();
  [[nodiscard]] std::expected<void, std::string> let_in();
  [[nodiscard]] bool somebody_waits() const;

  // By an operator; see Listeners.
  [[nodiscard]] std::expected<bool, std::string> set_paused(bool paused);

  // What was found changed by a worker, and put back where that is right.
  [[nodiscard]] std::vector<std::string> reassert();

  // See Listeners.
  void given_away(std::size_t index) { endpoints_.at(index)->given_away(); }
  [[nodiscard]] std::expected<void, std::string> hand_to(const SocketUser& user, BoundSocket& socket);
  void left(core::WorkerId worker);
  void leaving(core::WorkerId worker);
  [[nodiscard]] std::expected<void, std::string> steer(std::span<const core::WorkerId> workers);
  [[nodiscard]] bool starved(core::WorkerId worker);
  [[nodiscard]] bool is_given_away(std::size_t index) const { return endpoints_.at(index)->is_given_away(); }

  void add_bound_to(std::vector<BoundSocket>& out) const;
  void add_all_sockets_to(std::vector<BoundSocket>& out) const;  // of steered ones those that workers have had
  void add_own_sockets_to(std::vector<OwnSocket>& out, core::WorkerId worker) const;
  [[nodiscard]] std::optional<BoundSocket> socket_at(const core::Address& wanted, bool v6only) const;  // see Listeners
  [[nodiscard]] std::optional<BoundSocket> matched(const core::Address& wanted) const;  // by `match`
  [[nodiscard]] Endpoint& endpoint(std::size_t index) { return *endpoints_.at(index); }
  [[nodiscard]] bool can_be_found() const;
  [[nodiscard]] bool show_again();  // whether it can be found now
  void add_rows_to(std::vector<ListenerRow>& out, const std::vector<std::string>& apps) const;

 private:
  struct Attempt;
  [[nodiscard]] BoundSocket bound(std::size_t index) const;
  void add_sides_to(std::vector<BoundSocket>& out, std::size_t index, std::vector<const ListenerSocket*> sides) const;
  [[nodiscard]] bool is_at(const Endpoint& endpoint, const core::Address& wanted, bool v6only) const;
  [[nodiscard]] std::expected<std::unique_ptr<Endpoint>, OpenFailure> open_at(const core::Address& address,
                                                                              std::uint16_t port) const;
  [[nodiscard]] SocketRequest request_at(const core::Address& address, std::uint16_t port) const;
  [[nodiscard]] std::expected<std::unique_ptr<Endpoint>, OpenFailure> restore_at(EndpointState state,
                                                                                 std::vector<std::string>& problems);
  [[nodiscard]] Attempt try_to_open() const;
  [[nodiscard]] std::uint16_t port_of(const core::Address& address) const;
  [[nodiscard]] std::expected<void, std::string> apply_hold();
  [[nodiscard]] std::string say(const std::string& text) const {
    return "listener " + plan_.name + ": " + text;
  }

  core::ListenerPlan plan_;
  PathRights rights_;
  int backlog_;
  SocketKeeper& keeper_;
  bool paused_ = false;     // by an operator
  bool held_back_ = false;  // since its apps are stopping
  std::uint16_t chosen_port_ =
      0;  // by the kernel, for all addresses with port 0; kept for when it opens again
  std::vector<std::unique_ptr<Endpoint>> endpoints_;  // that are there: an address may be left out (`localhost`)
  std::vector<std::uint32_t> addresses_;              // which of the plan's each of them has
  std::vector<core::WorkerId> steered_to_;            // as all of its endpoints are
};

}  // namespace liveswap::master
