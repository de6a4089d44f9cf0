// One socket of a listener: made with all of its options, bound, listening.
//
// Owned by Listener, for as long as the listener is open. Closing it removes the file of a Unix socket, if that file is
// still this socket's and no other process has the socket: the last owner removes it. But that of a side, whose name no
// client knows, goes at once. A TCP socket is closed for all that have it, unless it was given away.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "core/plan.hpp"
#include "master/endpoint.hpp"
#include "master/listener_path.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/sockaddr.hpp"

namespace liveswap::master {

// What a socket is to a group that shares an address, by SO_REUSEPORT or as names of a file. The first one takes the
// address as if it were alone, so that two masters cannot share one unawares; it is never reached itself.
// A filler is another one that is never reached.
enum class Membership { none, anchor, side, filler };

// An address of a plan, with what is known only when it is bound.
struct SocketRequest {
  const core::Address& address;
  const core::SocketOptions& options;
  PathRights rights;  // of a Unix path
  std::uint16_t port = 0;
  int backlog = 0;
  bool held_back = false;  // bound with its filter, for a listener that is paused
  Membership membership = Membership::none;
  std::optional<uid_t> owner{};  // of the socket; none: the master's user
};

class ListenerSocket final : public Endpoint {
 public:
  [[nodiscard]] static std::expected<ListenerSocket, OpenFailure> open(const SocketRequest& request);
  // The same for a socket that a program has made: it is bound, and listens when the program says so.
  [[nodiscard]] static std::expected<ListenerSocket, OpenFailure> take(os::OwnedFd socket,
                                                                       const SocketRequest& request);
  // The same for one that serves already; it is never shut down.
  [[nodiscard]] static os::Result<ListenerSocket> adopt(os::OwnedFd socket, core::SocketKind kind);
  ListenerSocket(ListenerSocket&&) noexcept = default;
  ~ListenerSocket() override;

  [[nodiscard]] os::FdRef fd() const override { return fd_; }
  [[nodiscard]] std::expected<os::FdRef, OpenFailure> socket_for(const SocketUser&) override { return fd(); }
  [[nodiscard]] core::SocketKind kind() const override { return kind_; }
  [[nodiscard]] const os::SocketAddress& address() const override { return address_; }
  [[nodiscard]] bool can_be_found() const override { return !path_ || path_->ours(); }

  void given_away() override { given_away_ = true; }
  [[nodiscard]] bool is_given_away() const override { return given_away_; }

  // TCP: handshakes that begin now get no answer, those under way end well. UDP: every datagram is dropped.
  // A Unix path: its file is out of sight. An abstract name: an error.
  [[nodiscard]] os::Result<void> hold_back() override;
  // One client at a time, by a backlog of 0.
  void let_few_in() override;
  [[nodiscard]] os::Result<void> let_in() override;
  [[nodiscard]] bool somebody_waits() const override;

  [[nodiscard]] std::vector<std::string> reassert() override;
  void describe(ListenerRow& row) const override;

  // TCP: it stops listening, for which its queue must be empty, and listens again as if it were new.
  [[nodiscard]] os::Result<void> listen_anew();

  // A backlog of the program's own choice is not put back.
  [[nodiscard]] os::Result<void> listen_as_asked(int backlog);

  // Of a Unix path.
  [[nodiscard]] bool has_file(dev_t device, ino_t inode) const { return path_ && path_->is(device, inode); }

  // A worker has shut it down: it is in no group any more, until reassert() makes it listen again.
  [[nodiscard]] bool is_shut_down() const;

 private:
  // Puts the backlog back. What a worker had changed, as a sentence; "" where it had changed nothing, or nothing more
  // that could be mended.
  [[nodiscard]] std::string reassert_backlog();
  // O_NONBLOCK is only looked at; told when it is not as it was seen last, "" otherwise.
  [[nodiscard]] std::string look_at_nonblock();

  ListenerSocket(os::OwnedFd fd, core::SocketKind kind) : fd_(std::move(fd)), kind_(kind) {}
  [[nodiscard]] os::Result<void> set_up(const SocketRequest& request, const os::SocketAddress& wanted);
  [[nodiscard]] os::Result<void> bind(const SocketRequest& request, const os::SocketAddress& wanted);
  [[nodiscard]] os::Result<void> listen();
  [[nodiscard]] std::string once(std::string trouble);
  [[nodiscard]] std::string lost_text(const os::Error& error) const;

  os::OwnedFd fd_;
  core::SocketKind kind_;
  os::SocketAddress address_;
  std::optional<ListenerPath> path_;
  bool given_away_ = false;
  bool of_program_ = false;
  bool is_side_ = false;
  bool held_back_ = false;
  bool lets_few_in_ = false;
  bool nonblock_ = false;          // as it was seen last
  int backlog_ = 0;                // as asked for
  std::uint32_t set_backlog_ = 0;  // what the kernel made of it; 0: unknown
  std::string trouble_;            // of reassert_backlog(), as it was told last
};

bool accepts(core::SocketKind kind);  // has a backlog: stream and seqpacket

// Its address as it would be shown, before it is bound.
std::string planned_text(const core::Address& address, std::uint16_t port);

// Sockets of one group have one owner.
[[nodiscard]] os::Result<void> give_to(os::FdRef socket, uid_t owner);

// What socket(2) calls it: SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET.
int type_of(core::SocketKind kind);

}  // namespace liveswap::master
