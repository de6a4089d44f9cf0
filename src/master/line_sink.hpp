// Writes whole lines to a descriptor that may be anybody's, and never waits for it: what cannot be written now is
// queued, and what does not fit into the queue is dropped and counted (line_queue.hpp). Owned by Output.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "master/line_queue.hpp"
#include "master/output_target.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

class LineSink {
 public:
  static constexpr std::size_t kQueueMax = std::size_t{1} << 20;  // what a reader may lag behind before lines are lost

  // Borrows the descriptor, which need not be open.
  LineSink(loop::Loop& loop, os::FdRef fd) : loop_(loop), target_(fd) {}

  // Queued until the next flush(), so that many lines cost one system call.
  void add(std::string_view label, std::string_view line);

  // Writes what can be written now, and how many lines are missing where that has not been told; the loop writes the
  // rest.
  void flush();

  // For the end of the program: waits for the reader, but not longer than this, and writes what he lets it. Returns how
  // many lines he lacks without knowing it.
  [[nodiscard]] std::uint64_t finish(std::chrono::milliseconds patience);

 private:
  void give_up();

  loop::Loop& loop_;
  LineQueue queue_{kQueueMax};
  OutputTarget target_;
  std::unique_ptr<loop::FdWatch> watch_;
  bool waiting_ = false;  // for the watch
};

}  // namespace liveswap::master
