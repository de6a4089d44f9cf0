// NOTIFY_SOCKET of one worker: a datagram socket of its own, so that who speaks is settled by where it speaks
// and never by a pid. Owned by the worker's process; its path goes when it goes.
//
// Only the worker's own user and root are heard. Who sends too much is read and dropped, so that neither the
// loop nor the sender hangs. Attached descriptors are closed after the datagram was handled, which is what
// BARRIER=1 waits for.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "master/link_state.hpp"
#include "master/token_bucket.hpp"
#include "master/worker_keeper.hpp"
#include "master/worker_socket.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/scm.hpp"

namespace liveswap::master {

class NotifySocket {
 public:
  struct Handlers {
    std::function<void(std::string_view datagram, std::size_t descriptors)> said;
    std::function<void(std::string_view text)> problem;
  };

  [[nodiscard]] static os::Result<std::unique_ptr<NotifySocket>> open(loop::Loop& loop, const WorkerAddress& address,
                                                                      uid_t worker, Handlers handlers);
  // The same on one end of a pair of datagram sockets: NOTIFY_FD.
  [[nodiscard]] static os::Result<std::unique_ptr<NotifySocket>> adopt(loop::Loop& loop, os::OwnedFd end,
                                                                       uid_t worker, Handlers handlers);
  // One that the master before has left: at that address, or "" for one end of a pair.
  [[nodiscard]] static os::Result<std::unique_ptr<NotifySocket>> go_on(loop::Loop& loop, LeftPart left,
                                                                       std::string address, uid_t worker,
                                                                       Handlers handlers);
  void kept_as(KeptPart part) { kept_ = std::move(part); }
  [[nodiscard]] os::FdRef fd() const { return socket_; }
  [[nodiscard]] SocketLinkState save() const { return {.socket = kept_.number, .address = address()}; }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  ~NotifySocket();

  // The value of NOTIFY_SOCKET.
  [[nodiscard]] const std::string& address() const { return bound_.address(); }

  // Reads now what has been sent: the process has ended.
  void finish() { on_readable(); }

 private:
  NotifySocket(loop::Loop& loop, std::string_view name, uid_t worker, Handlers handlers);
  [[nodiscard]] static os::Result<std::unique_ptr<NotifySocket>> begin(std::unique_ptr<NotifySocket> notify,
                                                                       os::FdRef socket);
  void on_readable();
  [[nodiscard]] bool is_stranger(const os::ReceivedPacket& packet);
  void handle(const os::ReceivedPacket& packet);
  void tell_once(bool& told, std::string_view text);

  loop::Loop& loop_;
  std::string_view name_;  // of the variable, for messages
  uid_t worker_;
  Handlers handlers_;
  WorkerSocket bound_;  // one of these two
  os::OwnedFd end_;
  KeptPart kept_;
  os::FdRef socket_;
  std::unique_ptr<loop::FdWatch> watch_;
  TokenBucket allowed_;
  bool told_flood_ = false;
  bool told_stranger_ = false;
};

}  // namespace liveswap::master
