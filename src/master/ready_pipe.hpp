// A pipe on which a worker says, by a few bytes, that it is ready: s6's and dinit's newline, and what servers write to
// the older self that they believe to have. Whatever else it writes is passed over.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "master/link_state.hpp"
#include "master/worker_keeper.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

class ReadyPipe {
 public:
  struct Handlers {
    std::function<void()> ready;   // once
    std::function<void()> closed;  // instead: nobody has the other end any more
  };

  // `wanted`: a literal.
  [[nodiscard]] static os::Result<std::unique_ptr<ReadyPipe>> open(loop::Loop& loop, std::string_view wanted,
                                                                   Handlers handlers);
  // One that the master before has left.
  [[nodiscard]] static os::Result<std::unique_ptr<ReadyPipe>> go_on(loop::Loop& loop, std::string_view wanted,
                                                                    Handlers handlers, LeftPart left, std::string seen);
  // One on which nothing more can come.
  [[nodiscard]] static std::unique_ptr<ReadyPipe> ended(std::string_view wanted);

  [[nodiscard]] os::FdRef fd() const { return ours_; }
  void kept_as(KeptPart part) { kept_ = std::move(part); }
  [[nodiscard]] ReadyPipeState save() const { return {.pipe = watch_ ? kept_.number : 0, .seen = seen_}; }

  [[nodiscard]] os::FdRef their_end() const { return theirs_; }  // until given()
  void given() { theirs_.reset(); }
  // The process has ended, which closes its end, too: reads now what has been written.
  void finish();

 private:
  ReadyPipe(std::string_view wanted, Handlers handlers) : wanted_(wanted), handlers_(std::move(handlers)) {}
  [[nodiscard]] os::Result<void> watch(loop::Loop& loop);
  void end();
  void on_readable();

  std::string_view wanted_;
  Handlers handlers_;
  os::OwnedFd ours_;
  KeptPart kept_;
  os::OwnedFd theirs_;
  std::string seen_;  // the end of what was written, as far as `wanted` can begin in it
  std::unique_ptr<loop::FdWatch> watch_;  // none: it has said so, or is closed
};

}  // namespace liveswap::master
