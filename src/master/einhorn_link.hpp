// einhorn's command socket of one worker: EINHORN_SOCK_PATH, and EINHORN_SOCK_FD, which is connected already. As
// einhorn has it, a connection says one thing, gets no answer, and is closed.
//
// Only the worker's own user and root are heard; a worker that opens too much loses the oldest.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string_view>
#include <vector>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/token_bucket.hpp"
#include "master/worker_link.hpp"
#include "master/worker_socket.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

class EinhornLink final : public WorkerLink {
 public:
  [[nodiscard]] static os::Result<std::unique_ptr<EinhornLink>> open(loop::Loop& loop, const WorkerAddress& address,
                                                                     uid_t worker, LinkHandlers handlers);
  [[nodiscard]] static os::Result<std::unique_ptr<EinhornLink>> go_on(loop::Loop& loop, uid_t worker,
                                                                      LinkHandlers handlers, SocketLinkState state);
  [[nodiscard]] LinkState save() const override;
  ~EinhornLink() override;

  [[nodiscard]] LinkGift gift(int free) const override;
  void given() override { theirs_.reset(); }
  void finish() override;

 private:
  struct Connection;

  EinhornLink(loop::Loop& loop, uid_t worker, LinkHandlers handlers);
  void accept_all();
  [[nodiscard]] os::Result<void> add(os::OwnedFd socket, KeptPart kept = {});
  [[nodiscard]] os::Result<void> watch();
  void read(Connection& connection);
  void take(std::string_view line);
  void close(const Connection& connection);
  void tell_once(bool& told, std::string_view text);

  loop::Loop& loop_;
  uid_t worker_;
  LinkHandlers handlers_;
  WorkerSocket socket_;
  KeptPart kept_;
  os::OwnedFd theirs_;
  std::unique_ptr<loop::FdWatch> watch_;
  std::vector<std::unique_ptr<Connection>> connections_;  // the oldest first
  loop::Timer accept_again_;
  TokenBucket allowed_;
  bool told_stranger_ = false;
  bool told_flood_ = false;
};

}  // namespace liveswap::master
