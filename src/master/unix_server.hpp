// A Unix stream socket at a path of the master's own: listens, and says who has come, by what the kernel vouches for.
//
// The socket's file appears when this is opened and goes with it, unless it is somebody else's by then. The handlers
// are called from loop callbacks, and not any more once this is destroyed.
#pragma once

#include <sys/types.h>

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/keeper.hpp"
#include "master/listener_path.hpp"
#include "os/fd.hpp"
#include "os/socket.hpp"

namespace liveswap::master {

class UnixServer {
 public:
  struct Handlers {
    std::function<void(os::OwnedFd socket, os::PeerCredentials peer)> connected;  // the socket is non-blocking
    std::function<void(const std::string& text)> complaint;
  };

  // Where its socket outlives the master, so that whoever connects meanwhile waits for the next one.
  struct Keeping {
    Keeper& keeper;
    KeepKey key;
  };

  // Replaces the file of a socket that nobody listens on; a symbolic link is left alone. The error is one sentence.
  static std::expected<std::unique_ptr<UnixServer>, std::string> open(loop::Loop& loop, const std::string& path,
                                                                      mode_t mode, const Keeping& keeping,
                                                                      Handlers handlers);
  ~UnixServer();
  UnixServer(const UnixServer&) = delete;
  UnixServer& operator=(const UnixServer&) = delete;

  // Whether clients are accepted; else they wait. May be called from a handler.
  void accept(bool on);

 private:
  UnixServer(loop::Loop& loop, std::string path, Handlers handlers);

  std::expected<void, std::string> listen(mode_t mode, const Keeping& keeping);
  std::expected<void, std::string> go_on(KeptFd kept);
  void accept_some();

  std::string path_;
  Handlers handlers_;
  os::OwnedFd listener_;
  Kept kept_;
  std::optional<ListenerPath> file_;
  bool accepts_ = true;
  std::unique_ptr<loop::FdWatch> watch_;
  loop::Timer accept_again_;
};

}  // namespace liveswap::master
