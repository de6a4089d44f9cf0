// A steered TCP or UDP address: a SO_REUSEPORT group whose sockets the master all holds, and a program in the kernel
// that says which of them get what is new (os/reuseport.hpp).
//
// The anchor takes the address and is the group's first member, by which the program is set; it answers nobody, so it
// is also what everything goes to while clients are to wait. Each side (sides.hpp) is a socket of its own. A switch,
// and the way back, is one setsockopt.
//
// A worker that shuts its socket down, as many programs do when they are asked to drain, takes it out of the group, and
// the last member gets its number: before the master can know of it, new clients would go elsewhere. So fillers, which
// nobody has to find, are the last members: as many as there are sides that could leave.
#pragma once

#include <expected>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/plan.hpp"
#include "master/endpoint.hpp"
#include "master/group_order.hpp"
#include "master/handshakes.hpp"
#include "master/listener_socket.hpp"
#include "master/sides.hpp"

namespace liveswap::master {

struct SteeredSocketState;  // listeners_state.hpp

struct MemberState;

class SteeredSocket final : public Endpoint {
 public:
  // The request's plan must outlive it.
  [[nodiscard]] static std::expected<std::unique_ptr<SteeredSocket>, OpenFailure> open(const SocketRequest& request,
                                                                                       core::Queues queues);

  // Around sockets of one address that a server has which runs: they are sides of that worker, and go on getting what
  // is new.
  [[nodiscard]] static std::expected<std::unique_ptr<SteeredSocket>, OpenFailure> around(
      const SocketRequest& request, const SocketUser& user, std::vector<os::OwnedFd> sockets);

  // The request is as for open(). Where some of its sockets are not there any more, so that the kernel's numbers of the
  // others cannot be told, they are made to join anew.
  [[nodiscard]] static std::expected<std::unique_ptr<SteeredSocket>, OpenFailure> restore(
      const SocketRequest& request, SteeredSocketState state, std::vector<std::string>& problems);
  [[nodiscard]] EndpointState save() const override;

  [[nodiscard]] core::SocketKind kind() const override { return anchor_.kind(); }
  [[nodiscard]] const os::SocketAddress& address() const override { return anchor_.address(); }
  [[nodiscard]] bool can_be_found() const override { return true; }
  [[nodiscard]] os::FdRef fd() const override { return anchor_.fd(); }
  [[nodiscard]] std::expected<os::FdRef, OpenFailure> socket_for(const SocketUser& user) override;
  void leaving(core::WorkerId worker) override { sides_.forget_chosen(worker); }
  void left(core::WorkerId worker) override;

  [[nodiscard]] std::expected<std::unique_ptr<ListenerSocket>, OpenFailure> take_in(os::OwnedFd socket) override;
  [[nodiscard]] os::Result<void> join(const SocketUser& user, std::unique_ptr<ListenerSocket>& socket,
                                      int backlog) override;
  void listens_again(os::FdRef socket) override;
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
  SteeredSocket(ListenerSocket anchor, const SocketRequest& request, core::Queues queues);
  [[nodiscard]] std::expected<std::unique_ptr<ListenerSocket>, OpenFailure> open_side();
  [[nodiscard]] os::Result<void> select(std::span<const ChosenSide> chosen);
  [[nodiscard]] os::Result<void> select_in_force();
  void make_sure_of_number(Side& side);
  [[nodiscard]] os::Result<void> give_common_owner(os::FdRef socket);
  [[nodiscard]] os::Result<void> fill_up();
  void has_joined(os::FdRef socket);
  void count_strangers();
  [[nodiscard]] std::set<std::uint32_t> own_inodes() const;
  void give_up_filler();
  void keep_fillers_last();
  [[nodiscard]] std::size_t fillers_at_the_end() const;
  [[nodiscard]] std::vector<const ListenerSocket*> own_members() const;
  [[nodiscard]] bool restore_order(const std::vector<MemberState>& order);
  void join_all_anew();
  void remove_useless();

  ListenerSocket anchor_;
  SocketRequest request_;  // of each side
  core::Queues queues_;
  Sides sides_;
  std::list<ListenerSocket> fillers_;  // members that answer nobody: the last ones, and in gone ones' places
  GroupOrder order_;                     // by descriptor
  std::set<std::uint32_t> strangers_;    // inodes of other programs' sockets that have joined the group
  bool told_strangers_ = false;
  Handshakes handshakes_;                // at sides that get nothing new any more
  bool held_back_ = false;
};

}  // namespace liveswap::master
