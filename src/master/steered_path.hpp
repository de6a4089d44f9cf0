// A steered Unix path: each side (sides.hpp) is a socket bound beside it, at PATH.0, PATH.1 …, and PATH is a second
// name (a hard link) of the one that new clients find. A switch, and the way back, is a rename over PATH, so a file is
// always there; who has connected stays where he is.
//
// One side at a time can be found: of those that are to get what is new the one with the most workers, of several the
// newest generation's.
#pragma once

#include <sys/types.h>

#include <deque>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/plan.hpp"
#include "master/endpoint.hpp"
#include "master/listener_socket.hpp"
#include "master/sides.hpp"

namespace liveswap::master {

struct SteeredPathState;  // listeners_state.hpp

class SteeredPath final : public Endpoint {
 public:
  // The request's plan must outlive it.
  [[nodiscard]] static std::expected<std::unique_ptr<SteeredPath>, OpenFailure> open(const SocketRequest& request);
  ~SteeredPath() override;
  [[nodiscard]] static std::expected<std::unique_ptr<SteeredPath>, OpenFailure> restore(
      const SocketRequest& request, SteeredPathState state, std::vector<std::string>& problems);
  [[nodiscard]] EndpointState save() const override;

  [[nodiscard]] core::SocketKind kind() const override { return reserved_.kind(); }
  [[nodiscard]] const os::SocketAddress& address() const override { return reserved_.address(); }
  [[nodiscard]] bool can_be_found() const override;
  [[nodiscard]] bool show_again() override;
  [[nodiscard]] os::FdRef fd() const override { return reserved_.fd(); }
  [[nodiscard]] std::expected<os::FdRef, OpenFailure> socket_for(const SocketUser& user) override;
  void leaving(core::WorkerId worker) override { sides_.forget_chosen(worker); }
  void left(core::WorkerId worker) override;

  [[nodiscard]] std::expected<std::unique_ptr<ListenerSocket>, OpenFailure> take_in(os::OwnedFd socket) override;
  [[nodiscard]] os::Result<void> join(const SocketUser& user, std::unique_ptr<ListenerSocket>& socket,
                                      int backlog) override;
  void abandon(os::FdRef socket) override;
  [[nodiscard]] std::optional<os::FdRef> take_abandoned(const SocketUser& user) override;
  [[nodiscard]] bool serves_somebody() const override { return !sides_.chosen().empty(); }

  [[nodiscard]] os::Result<void> steer(std::span<const core::WorkerId> workers) override;
  [[nodiscard]] bool is_steered() const override { return true; }
  [[nodiscard]] bool starved(core::WorkerId worker) override;

  [[nodiscard]] std::vector<const ListenerSocket*> sides() const override { return sides_.sockets(); }
  [[nodiscard]] std::vector<OwnSocket> own_sockets_of(core::WorkerId worker) const override {
    return sides_.of_worker(worker);
  }

  [[nodiscard]] os::Result<void> hold_back() override;
  [[nodiscard]] os::Result<void> let_in() override;
  [[nodiscard]] bool somebody_waits() const override { return sides_.somebody_waits(); }
  [[nodiscard]] std::vector<std::string> reassert() override;
  void describe(ListenerRow& row) const override { sides_.describe(row, held_back_); }

 private:
  SteeredPath(ListenerSocket reserved, const SocketRequest& request)
      : reserved_(std::move(reserved)), request_(request) {}
  [[nodiscard]] SocketRequest request_for_side();
  [[nodiscard]] std::expected<std::unique_ptr<ListenerSocket>, OpenFailure> open_side();
  void remove_useless();
  [[nodiscard]] os::Result<void> show(std::span<const ChosenSide> chosen);
  [[nodiscard]] bool is_ours(dev_t device, ino_t inode) const;

  ListenerSocket reserved_;  // holds PATH until the first side is chosen; it never listens
  SocketRequest request_;
  std::deque<core::Address> addresses_;  // of the sides
  std::size_t next_number_ = 0;          // of the next side's
  Sides sides_;
  bool held_back_ = false;
};

}  // namespace liveswap::master
