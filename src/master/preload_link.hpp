// By which way a worker's binds come to BindWatch, with `bind_by: preload`: from liveswap-bind.so, which the worker's
// programs load (preload/bind.c), over a connection for each call (wire/bind_call.hpp).
//
// The socket has an abstract name, so that a process which has changed its user or its root still finds it. The
// worker's user, root, and any process of the worker are heard.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/bind_watch.hpp"
#include "master/worker_link.hpp"
#include "master/worker_socket.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/scm.hpp"
#include "os/socket.hpp"

namespace liveswap::master {

class PreloadLink final : public WorkerLink {
 public:
  // `library`: of liveswap-bind.so. `binds` outlives the link.
  [[nodiscard]] static os::Result<std::unique_ptr<PreloadLink>> open(loop::Loop& loop, const std::string& abstract,
                                                                     std::string library, uid_t worker,
                                                                     BindWatch& binds, LinkHandlers handlers);
  [[nodiscard]] static os::Result<std::unique_ptr<PreloadLink>> go_on(loop::Loop& loop, std::string library,
                                                                      uid_t worker, BindWatch& binds,
                                                                      LinkHandlers handlers, SocketLinkState state);
  [[nodiscard]] LinkState save() const override { return SocketLinkState{kept_.number, socket_.address()}; }
  ~PreloadLink() override;

  [[nodiscard]] LinkGift gift(int free) const override;
  void finish() override;

 private:
  struct Connection {
    os::OwnedFd socket;
    os::PeerCredentials peer;
    std::unique_ptr<loop::FdWatch> watch;
  };
  struct Answer {
    BindWatch::Reply reply;
    std::optional<os::FdRef> socket;  // that takes the place of the program's
  };

  PreloadLink(loop::Loop& loop, std::string library, uid_t worker, BindWatch& binds, LinkHandlers handlers);
  [[nodiscard]] os::Result<void> watch();
  void accept_all();
  [[nodiscard]] os::Result<void> add(os::OwnedFd socket);
  void read(Connection& connection);
  [[nodiscard]] Answer answer(const Connection& connection, os::ReceivedPacket& packet);
  [[nodiscard]] os::Result<BindCall> look_at(const Connection& connection, int descriptor, os::OwnedFd socket) const;
  [[nodiscard]] bool is_in_our_network(pid_t pid, os::FdRef socket) const;
  void close(const Connection& connection);

  loop::Loop& loop_;
  std::string library_;
  uid_t worker_;
  BindWatch& binds_;
  LinkHandlers handlers_;
  WorkerSocket socket_;
  KeptPart kept_;
  std::unique_ptr<loop::FdWatch> watch_;
  loop::Timer accept_again_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace liveswap::master
