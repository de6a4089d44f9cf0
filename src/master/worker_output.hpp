// What one worker writes: pipes for its processes, and its last lines. Owned by the worker's process.
//
// With `output: inherit` its processes have the master's own standard output and error, and nothing is read here.
#pragma once

#include <sys/types.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/plan.hpp"
#include "loop/loop.hpp"
#include "master/launcher.hpp"
#include "master/line_tail.hpp"
#include "master/output.hpp"
#include "master/output_pipe.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

// The ends that a process is started with. Closed when it has been.
struct OutputEnds {
  os::OwnedFd out, err;  // none: the master's own
  StandardStreams streams;
};

enum class OutputUser { program, ready_command, message_command };

class WorkerOutput {
 public:
  struct Settings {
    LineSource source;
    core::Output mode = core::Output::prefix;
    StandardStreams own;  // the master's
    uid_t uid = 0;        // of the worker
    WorkerKeeper* keeper = nullptr;  // outlives it; none: no copies are kept
  };

  WorkerOutput(loop::Loop& loop, Output& output, Settings settings);

  // For the next process of that kind; what the last one has written is handed on first.
  [[nodiscard]] os::Result<OutputEnds> open(OutputUser user);

  // For the next master: the pipes' numbers, in an order of their own; and those that the one before has left. What it
  // had read of a line that was not whole is lost. The error names one that is not there.
  [[nodiscard]] std::vector<std::uint32_t> save() const;
  [[nodiscard]] os::Result<void> restore(const std::vector<std::uint32_t>& numbers);

  // A line of the master's own that belongs among the worker's.
  void remark(std::string_view line);

  // The process has ended: reads what there is, whole lines or not.
  void finish();

  [[nodiscard]] std::vector<std::string> last_lines() const { return tail_.last_lines(); }

 private:
  using Pipes = std::array<std::unique_ptr<OutputPipe>, 2>;

  [[nodiscard]] OutputPipe::Handlers pipe_handlers(bool is_stderr);
  [[nodiscard]] os::Result<os::OwnedFd> open_pipe(bool is_stderr, std::unique_ptr<OutputPipe>& pipe);
  void add(bool is_stderr, std::string_view line);

  loop::Loop& loop_;
  Output& output_;
  Settings settings_;
  LineTail tail_;
  std::array<Pipes, 3> pipes_;  // by OutputUser
};

}  // namespace liveswap::master
