// A listener: a name, its plan, and its sockets while it is open.
//
// Owned by Listeners, which decides when it opens and closes. Everything it says begins with "listener NAME:
// ".
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "core/plan.hpp"
#include "master/bound_socket.hpp"
#include "master/facts.hpp"
#include "master/listener_path.hpp"
#include "master/listener_socket.hpp"

namespace liveswap::master {

class Listener {
 public:
  // `backlog`: for a plan that names none.
  Listener(core::ListenerPlan plan, PathRights rights, int backlog);

  [[nodiscard]] const std::string& name() const { return plan_.name; }
  [[nodiscard]] bool is_open() const { return !sockets_.empty(); }

  // Opens all of its sockets or none; every failure is told.
  [[nodiscard]] std::expected<void, std::vector<OpenFailure>> open();
  void close();

  // For the time between an app's wish to stop and its end. What could not be held back is told, once.
  [[nodiscard]] std::vector<std::string> hold_back();
  [[nodiscard]] std::expected<void, std::string> let_in();
  [[nodiscard]] bool somebody_waits() const;

  // By an operator; see Listeners.
  [[nodiscard]] std::expected<bool, std::string> set_paused(bool paused);

  // What was found changed by a worker, and put back where that is right.
  [[nodiscard]] std::vector<std::string> reassert();

  // See Listeners.
  void given_away(std::size_t index) { sockets_.at(index).given_away(); }

  void add_bound_to(std::vector<BoundSocket>& out) const;
  [[nodiscard]] std::optional<BoundSocket> socket_at(const core::Address& wanted, bool v6only) const;  // see Listeners
  [[nodiscard]] bool can_be_found() const;
  void add_rows_to(std::vector<ListenerRow>& out, const std::vector<std::string>& apps) const;

 private:
  struct Attempt;
  [[nodiscard]] BoundSocket bound(std::size_t index) const;
  [[nodiscard]] bool is_at(const ListenerSocket& socket, const core::Address& wanted, bool v6only) const;
  [[nodiscard]] Attempt try_to_open() const;
  [[nodiscard]] std::uint16_t port_of(const core::Address& address) const;
  [[nodiscard]] std::expected<void, std::string> apply_hold();
  [[nodiscard]] std::string say(const std::string& text) const {
    return "listener " + plan_.name + ": " + text;
  }

  core::ListenerPlan plan_;
  PathRights rights_;
  int backlog_;
  bool paused_ = false;     // by an operator
  bool held_back_ = false;  // since its apps are stopping
  std::uint16_t chosen_port_ =
      0;  // by the kernel, for all addresses with port 0; kept for when it opens again
  std::vector<ListenerSocket> sockets_;  // those that are there: an address may be left out (`localhost`)
};

}  // namespace liveswap::master
