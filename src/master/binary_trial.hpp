// Whether another binary of liveswap could go on where this master is: it is run with --check-state on a copy of the
// state. Owned by Master.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/children.hpp"
#include "master/output_pipe.hpp"
#include "master/watched_process.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

class BinaryTrial {
 public:
  // Its version, or what it said against it.
  using Done = std::function<void(std::expected<std::string, std::string>)>;

  // Borrows both; `done` is called once, from the loop, and may destroy this. The error: it could not be run.
  [[nodiscard]] static std::expected<std::unique_ptr<BinaryTrial>, std::string> begin(loop::Loop& loop,
                                                                                      Children& children,
                                                                                      os::FdRef binary, os::FdRef state,
                                                                                      Done done);

 private:
  BinaryTrial(loop::Loop& loop, Done done);
  void on_ended(const os::ExitStatus& status);

  Done done_;
  std::string said_;
  bool late_ = false;
  loop::Timer limit_;
  std::unique_ptr<OutputPipe> output_;
  std::unique_ptr<WatchedProcess> process_;
};

}  // namespace liveswap::master
