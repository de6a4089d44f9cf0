// NOTIFY_FD: datagrams as for NOTIFY_SOCKET, on a descriptor that the worker has already. crank's workers use it.
#pragma once

#include <sys/types.h>

#include <memory>

#include "loop/loop.hpp"
#include "master/notify_socket.hpp"
#include "master/worker_link.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

class NotifyFdLink final : public WorkerLink {
 public:
  [[nodiscard]] static os::Result<std::unique_ptr<NotifyFdLink>> open(loop::Loop& loop, uid_t worker,
                                                                      NotifySocket::Handlers handlers,
                                                                      const LinkHandlers& link);
  [[nodiscard]] static os::Result<std::unique_ptr<NotifyFdLink>> go_on(loop::Loop& loop, uid_t worker,
                                                                       NotifySocket::Handlers handlers,
                                                                       const LinkHandlers& link,
                                                                       const SocketLinkState& state);
  [[nodiscard]] LinkState save() const override { return ours_->save(); }

  [[nodiscard]] LinkGift gift(int free) const override;
  void given() override { theirs_.reset(); }
  void finish() override { ours_->finish(); }

 private:
  NotifyFdLink(std::unique_ptr<NotifySocket> ours, os::OwnedFd theirs)
      : ours_(std::move(ours)), theirs_(std::move(theirs)) {}

  std::unique_ptr<NotifySocket> ours_;
  os::OwnedFd theirs_;
};

}  // namespace liveswap::master
