// By which way a worker's binds come to BindWatch, with `bind_by: seccomp`: through the notifier of the filter that the
// launcher has installed (os/seccomp_notify.hpp). Each bind(2), listen(2) and io_uring_setup(2) of any of its threads
// waits for an answer from here.
//
// The address in the caller's memory is read once, and the master binds the copy. Owned by the worker's process.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "master/bind_watch.hpp"
#include "master/worker_keeper.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/seccomp_notify.hpp"

namespace liveswap::master {

class SeccompBinds {
 public:
  // `binds` outlives it.
  [[nodiscard]] static os::Result<std::unique_ptr<SeccompBinds>> open(loop::Loop& loop, LeftPart notifier,
                                                                      BindWatch& binds);

  [[nodiscard]] std::uint32_t number() const { return watch_ ? kept_.number : 0; }  // for the next master

 private:
  using Reply = BindWatch::Reply;

  SeccompBinds(os::SeccompNotifier notifier, KeptPart kept, BindWatch& binds)
      : notifier_(std::move(notifier)), kept_(std::move(kept)), binds_(binds) {}
  void on_ready(loop::Readiness ready);
  void handle(const os::TrappedCall& call);
  [[nodiscard]] std::optional<Reply> reply_to(const os::TrappedCall& call);
  [[nodiscard]] std::optional<Reply> on_bind(const os::TrappedCall& call);
  [[nodiscard]] std::optional<Reply> on_listen(const os::TrappedCall& call);
  [[nodiscard]] std::optional<Reply> on_unlink(const os::TrappedCall& call);
  [[nodiscard]] os::Result<BindCall> look_at(const os::TrappedCall& call);

  os::SeccompNotifier notifier_;
  KeptPart kept_;
  BindWatch& binds_;
  std::unique_ptr<loop::FdWatch> watch_;
};

}  // namespace liveswap::master
