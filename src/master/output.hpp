// Everything that is written: the workers' lines, labelled, and the master's own. Owned by Master; one for all apps.
//
//   worker's pipe ──OutputPipe──▶ lines ──▶ Output ──▶ the master's stdout or stderr: "web/2 g3 | line"
//                                             └──────▶ the ring that `logs` reads
//
// A hook's lines are labelled "web hook |".
// Lines of different workers are never mixed, and a reader who does not read is not waited for.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "loop/deferred.hpp"
#include "loop/loop.hpp"
#include "master/facts.hpp"
#include "master/line_ring.hpp"
#include "master/line_sink.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

// Who wrote a line: a worker; or, without a generation, a hook of the app.
struct LineSource {
  std::string app;
  core::Slot slot = 0;
  core::GenerationId generation{};
  bool is_stderr = false;
};

class Output {
 public:
  // Of a program that shows the lines by itself. Called once for each, from the middle of things: it may only keep it.
  using TakeLine = std::function<void(const LineSource& source, std::string_view line)>;

  // Borrows both descriptors, which need not be open. With `take`, every line goes there and nothing is written.
  Output(loop::Loop& loop, os::FdRef standard_output, os::FdRef standard_error, TakeLine take = {});
  ~Output();

  // A worker's line: written at the next flush().
  void add(const LineSource& source, std::string_view line);
  // The master's own: to standard error, by itself in the next turn of the loop, with all others of this turn.
  void add_own(std::string_view line);
  void flush();

  // For the end of the program: waits for slow readers, but not longer than this. Who lacks lines of standard output
  // without knowing it can only be told by standard error: that is what `tell_lost` is for.
  void finish(std::chrono::milliseconds patience, const std::function<void(std::uint64_t lines)>& tell_lost);

  // The last lines that are remembered, at most `max`, oldest first; an empty app is all.
  [[nodiscard]] std::vector<OutputLine> last(const std::string& app, std::size_t max) const {
    return ring_.last(app, max);
  }
  [[nodiscard]] Followers<OutputLine>& followers() { return ring_.followers(); }

 private:
  [[nodiscard]] LineSink& sink(bool is_stderr) { return is_stderr && err_ ? *err_ : *out_; }
  void remember(const LineSource& source, std::string_view line);

  LineRing ring_;
  TakeLine take_;
  loop::Deferred flushing_;
  bool own_waits_ = false;  // for flushing_; or for the end, if that comes first
  std::unique_ptr<LineSink> out_;
  std::unique_ptr<LineSink> err_;  // none: it is the same file as standard output
};

}  // namespace liveswap::master
