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
#include "master/token_bucket.hpp"
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

  // `path`: where the socket is to be, absolute; an abstract one (with a leading '@') where it is too long for a
  // path, or "", as the worker could not reach it. Anybody may send to an abstract one, and is not heard.
  [[nodiscard]] static os::Result<std::unique_ptr<NotifySocket>> open(loop::Loop& loop, const std::string& path,
                                                                      const std::string& abstract, uid_t worker,
                                                                      Handlers handlers);
  ~NotifySocket();
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  // The value of NOTIFY_SOCKET.
  [[nodiscard]] const std::string& address() const { return address_; }

  // Reads now what has been sent: the process has ended.
  void finish() { on_readable(); }

 private:
  NotifySocket(loop::Loop& loop, uid_t worker, Handlers handlers);
  [[nodiscard]] os::Result<void> bind(const std::string& path, const std::string& abstract);
  void on_readable();
  [[nodiscard]] bool is_stranger(const os::ReceivedPacket& packet);
  void handle(const os::ReceivedPacket& packet);
  void tell_once(bool& told, std::string_view text);

  loop::Loop& loop_;
  uid_t worker_;
  Handlers handlers_;
  std::string address_;
  os::OwnedFd socket_;
  std::unique_ptr<loop::FdWatch> watch_;
  TokenBucket allowed_;
  bool told_flood_ = false;
  bool told_stranger_ = false;
};

}  // namespace liveswap::master
