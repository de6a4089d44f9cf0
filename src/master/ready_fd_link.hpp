// `ready: {when: fd, fd: N}`: a newline on descriptor N says that the worker is ready, as for s6 (notification-fd) and
// dinit (pipefd).
#pragma once

#include <memory>

#include "loop/loop.hpp"
#include "master/ready_pipe.hpp"
#include "master/worker_link.hpp"
#include "os/error.hpp"

namespace liveswap::master {

class ReadyFdLink final : public WorkerLink {
 public:
  [[nodiscard]] static os::Result<std::unique_ptr<ReadyFdLink>> open(loop::Loop& loop, int number,
                                                                     LinkHandlers handlers);
  [[nodiscard]] static os::Result<std::unique_ptr<ReadyFdLink>> go_on(loop::Loop& loop, int number,
                                                                      LinkHandlers handlers, ReadyPipeState state);
  [[nodiscard]] LinkState save() const override { return pipe_->save(); }

  [[nodiscard]] LinkGift gift(int free) const override;
  void given() override { pipe_->given(); }
  void finish() override { pipe_->finish(); }

 private:
  ReadyFdLink(int number, std::unique_ptr<ReadyPipe> pipe) : number_(number), pipe_(std::move(pipe)) {}

  int number_;
  std::unique_ptr<ReadyPipe> pipe_;
};

}  // namespace liveswap::master
