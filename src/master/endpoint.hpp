// One address of a listener while it is open: a socket that all workers share (listener_socket.hpp), or sockets of
// which some get what is new (steered_socket.hpp, steered_path.hpp).
//
// Owned by Listener, for as long as the listener is open; its end closes everything.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/action.hpp"
#include "core/plan.hpp"
#include "master/facts.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/sockaddr.hpp"

namespace liveswap::master {

// Why a socket could not be opened; `text` names the step, the address, the cause and what may help.
struct OpenFailure {
  std::string text;
  int code = 0;  // an errno value
};

// A worker that gets a socket.
struct SocketUser {
  const core::Spawn& worker;
  bool own_queue = false;  // it shares its sockets with no other worker, whatever `queues` says
};

// A socket of a steered address that a worker has, borrowed.
struct OwnSocket {
  os::FdRef fd;
  bool serves_alone = false;  // nobody else accepts from it who is to serve: who waits there waits for that worker
};

// Two workers that share a queue cannot be starved one by one.
[[nodiscard]] constexpr bool has_own_queue(const core::AppPolicy& policy) {
  return policy.leaving == core::Leaving::asked_when_empty || policy.leaving == core::Leaving::stopped_when_empty;
}

class ListenerSocket;
struct EndpointState;  // listeners_state.hpp

class Endpoint {
 public:
  Endpoint() = default;
  Endpoint(Endpoint&&) noexcept = default;
  Endpoint& operator=(Endpoint&&) = delete;
  virtual ~Endpoint() = default;

  [[nodiscard]] virtual core::SocketKind kind() const = 0;
  [[nodiscard]] virtual const os::SocketAddress& address() const = 0;  // the real one
  [[nodiscard]] virtual bool can_be_found() const = 0;                 // its path leads to it

  // The path led to it and is gone: it does again, where that can be.
  [[nodiscard]] virtual bool show_again() { return false; }

  // To look at; what a worker gets is socket_for().
  [[nodiscard]] virtual os::FdRef fd() const = 0;
  // Borrowed; the same one each time the worker asks, until left().
  [[nodiscard]] virtual std::expected<os::FdRef, OpenFailure> socket_for(const SocketUser& user) = 0;
  // It is to leave, and gets no new connection where another one can have it.
  virtual void leaving(core::WorkerId) {}
  // Nothing is left of the worker.
  virtual void left(core::WorkerId) {}

  // See Listeners. Where it fails, everything is as it was.
  [[nodiscard]] virtual os::Result<void> steer(std::span<const core::WorkerId>) { return {}; }
  [[nodiscard]] virtual bool is_steered() const { return false; }
  // Nobody waits who would be lost if that worker accepted nothing more.
  [[nodiscard]] virtual bool starved(core::WorkerId) { return true; }

  [[nodiscard]] virtual std::vector<const ListenerSocket*> sides() const { return {}; }
  [[nodiscard]] virtual std::vector<OwnSocket> own_sockets_of(core::WorkerId) const { return {}; }

  // A steered address can also have sockets that a program has made itself: `socket` is bound there, and join() lets it
  // listen, as a side of the worker, and takes it if that succeeds. What the program has done to it before stays.
  [[nodiscard]] virtual std::expected<std::unique_ptr<ListenerSocket>, OpenFailure> take_in(os::OwnedFd socket);
  [[nodiscard]] virtual os::Result<void> join(const SocketUser&, std::unique_ptr<ListenerSocket>&, int backlog);
  // One that has joined had been shut down, and has just been made to listen again.
  virtual void listens_again(os::FdRef) {}
  // No process has that socket any more. What waits there is for the next one: see abandoned().
  virtual void abandon(os::FdRef) {}
  // A socket that no process has, and that clients may wait at or come to; it is the worker's from now on.
  [[nodiscard]] virtual std::optional<os::FdRef> take_abandoned(const SocketUser&) { return std::nullopt; }
  [[nodiscard]] virtual bool serves_somebody() const { return false; }  // has a side that gets what is new

  // A process that is no worker of ours has a copy, and is to keep it.
  virtual void given_away() {}
  [[nodiscard]] virtual bool is_given_away() const { return false; }

  // New clients are made to wait, or let in again. Twice is once.
  [[nodiscard]] virtual os::Result<void> hold_back() = 0;
  [[nodiscard]] virtual os::Result<void> let_in() = 0;
  // Where holding back failed: as few as possible.
  virtual void let_few_in() {}
  // Whether a client or datagram waits that the kernel has taken in already.
  [[nodiscard]] virtual bool somebody_waits() const = 0;

  // What was found changed by a worker, and put back where that is right; a sentence each.
  [[nodiscard]] virtual std::vector<std::string> reassert() = 0;

  virtual void describe(ListenerRow& row) const = 0;  // queue, backlog, dropped, sides

  // For the next master; which of the plan's addresses it is of is the listener's to say.
  [[nodiscard]] virtual EndpointState save() const = 0;
};

}  // namespace liveswap::master
