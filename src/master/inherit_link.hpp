// The two pipes of a server that believes to have an older self (protocols/inheritance.hpp): it reads the names of its
// sockets from one, and says on the other that it is ready.
#pragma once

#include <memory>

#include "loop/loop.hpp"
#include "master/ready_pipe.hpp"
#include "master/worker_link.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "protocols/inheritance.hpp"

namespace liveswap::master {

class InheritLink final : public WorkerLink {
 public:
  [[nodiscard]] static os::Result<std::unique_ptr<InheritLink>> open(loop::Loop& loop,
                                                                     protocols::InheritancePipes pipes,
                                                                     LinkHandlers handlers);
  [[nodiscard]] static os::Result<std::unique_ptr<InheritLink>> go_on(loop::Loop& loop,
                                                                      protocols::InheritancePipes pipes,
                                                                      LinkHandlers handlers, ReadyPipeState state);
  [[nodiscard]] LinkState save() const override;

  [[nodiscard]] LinkGift gift(int free) const override;
  void given() override;
  void finish() override { ready_->finish(); }

 private:
  explicit InheritLink(protocols::InheritancePipes pipes) : pipes_(std::move(pipes)) {}
  [[nodiscard]] os::Result<void> write_names();

  protocols::InheritancePipes pipes_;
  std::unique_ptr<ReadyPipe> ready_;
  os::OwnedFd names_;        // to write to; open for as long as the older self is to seem alive
  KeptPart kept_names_;
  os::OwnedFd their_names_;  // until given()
};

}  // namespace liveswap::master
