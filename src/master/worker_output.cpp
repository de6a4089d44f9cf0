#include "master/worker_output.hpp"

#include <utility>

namespace liveswap::master {

WorkerOutput::WorkerOutput(loop::Loop& loop, Output& output, Settings settings)
    : loop_(loop), output_(output), settings_(std::move(settings)) {}

os::Result<OutputEnds> WorkerOutput::open(OutputUser user) {
  OutputEnds ends;
  ends.streams = settings_.own;
  if (settings_.mode == core::Output::inherit) return ends;
  Pipes& pipes = pipes_[static_cast<std::size_t>(user)];
  for (const bool is_stderr : {false, true}) {
    auto end = open_pipe(is_stderr, pipes[is_stderr ? 1 : 0]);
    if (!end) return std::unexpected(end.error());
    (is_stderr ? ends.err : ends.out) = std::move(*end);
  }
  ends.streams = {ends.out, ends.err};
  return ends;
}

os::Result<os::OwnedFd> WorkerOutput::open_pipe(bool is_stderr, std::unique_ptr<OutputPipe>& pipe) {
  if (pipe) pipe->finish();
  auto ends = make_output_pipe(settings_.uid);
  if (!ends) return std::unexpected(ends.error());
  auto opened = OutputPipe::open(loop_, std::move(ends->ours),
                                 {.line = [this, is_stderr](std::string_view line) { add(is_stderr, line); },
                                  .read = [this] { output_.flush(); }});
  if (!opened) return std::unexpected(opened.error());
  pipe = std::move(*opened);
  return std::move(ends->theirs);
}

void WorkerOutput::add(bool is_stderr, std::string_view line) {
  tail_.add(is_stderr, line);
  settings_.source.is_stderr = is_stderr;
  output_.add(settings_.source, line);
}

void WorkerOutput::remark(std::string_view line) {
  add(true, line);
  output_.flush();
}

void WorkerOutput::finish() {
  for (Pipes& pipes : pipes_) {
    for (auto& pipe : pipes) {
      if (pipe) pipe->finish();
    }
  }
}

}  // namespace liveswap::master
