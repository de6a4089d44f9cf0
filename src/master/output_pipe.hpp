// One stream of one worker: the pipe that it writes to, read as lines. Owned by the worker's process.
//
// The worker's end is opened for reading and writing, so that nobody's death gives it EPIPE or SIGPIPE: as long as a
// process can write, there is a reader, which is that process itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "master/line_splitter.hpp"
#include "master/worker_keeper.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

struct PipeEnds {
  os::OwnedFd ours;    // to read from
  os::OwnedFd theirs;  // O_RDWR
};

// `owner`: of the pipe, so that a worker of another user can open /dev/stdout; its own uid needs no privilege.
[[nodiscard]] os::Result<PipeEnds> make_output_pipe(uid_t owner);

class OutputPipe {
 public:
  struct Handlers {
    LineSplitter::TakeLine line;
    std::function<void()> read;  // after the lines of one piece
  };

  [[nodiscard]] static os::Result<std::unique_ptr<OutputPipe>> open(loop::Loop& loop, os::OwnedFd end,
                                                                    Handlers handlers, KeptPart kept = {});
  [[nodiscard]] std::uint32_t number() const { return watch_ ? kept_.number : 0; }  // for the next master

  // Reads now what is in the pipe, and hands on a last line that is not whole: the process that wrote it has ended.
  void finish();

 private:
  OutputPipe(os::OwnedFd end, Handlers handlers, KeptPart kept)
      : end_(std::move(end)), kept_(std::move(kept)), handlers_(std::move(handlers)) {}
  bool read_piece();  // false: nothing is there now, or ever
  void on_readable();

  os::OwnedFd end_;
  KeptPart kept_;
  Handlers handlers_;
  LineSplitter splitter_;
  std::unique_ptr<loop::FdWatch> watch_;  // none: the stream has ended
};

}  // namespace liveswap::master
