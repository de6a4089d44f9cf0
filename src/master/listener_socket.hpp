// One socket of a listener: made with all of its options, bound, listening.
//
// Owned by Listener, for as long as the listener is open. Closing it removes the file of a Unix socket, if
// that file is still this socket's and no other process has the socket: the last owner removes it. A TCP socket is
// closed for all that have it, unless it was given away.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "core/plan.hpp"
#include "master/listener_path.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/sockaddr.hpp"

namespace liveswap::master {

// An address of a plan, with what is known only when it is bound.
struct SocketRequest {
  const core::Address& address;
  const core::SocketOptions& options;
  PathRights rights;  // of a Unix path
  std::uint16_t port = 0;
  int backlog = 0;
  bool held_back = false;  // bound with its filter, for a listener that is paused
};

// Why a socket could not be opened; `text` names the step, the address, the cause and what may help.
struct OpenFailure {
  std::string text;
  int code = 0;  // an errno value
};

class ListenerSocket {
 public:
  [[nodiscard]] static std::expected<ListenerSocket, OpenFailure> open(const SocketRequest& request);
  ListenerSocket(ListenerSocket&&) noexcept = default;
  ListenerSocket& operator=(ListenerSocket&&) = delete;
  ~ListenerSocket();

  [[nodiscard]] os::FdRef fd() const { return fd_; }
  [[nodiscard]] core::SocketKind kind() const { return kind_; }
  [[nodiscard]] const os::SocketAddress& address() const { return address_; }  // the real one
  [[nodiscard]] bool can_be_found() const { return !path_ || path_->ours(); }   // its path leads to it

  // A process that is no worker of ours has a copy, and is to keep it: see ~ListenerSocket.
  void given_away() { given_away_ = true; }

  // TCP: handshakes that begin now get no answer, those under way end well. UDP: every datagram is dropped.
  // A Unix path: its file is out of sight. An abstract name: an error. Twice is once.
  [[nodiscard]] os::Result<void> hold_back();
  // Where that failed: one client at a time, by a backlog of 0.
  void let_few_in();
  [[nodiscard]] os::Result<void> let_in();

  // Whether a client or datagram waits that the kernel has taken in already.
  [[nodiscard]] bool somebody_waits() const;

  // Puts the backlog back. What a worker had changed, as a sentence; "" where it had changed nothing, or nothing more
  // that could be mended.
  [[nodiscard]] std::string reassert_backlog();
  // O_NONBLOCK is only looked at; told when it is not as it was seen last, "" otherwise.
  [[nodiscard]] std::string look_at_nonblock();

 private:
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

// What socket(2) calls it: SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET.
int type_of(core::SocketKind kind);

}  // namespace liveswap::master
