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
  KeptPart kept;
  if (settings_.keeper != nullptr) kept = settings_.keeper->keep(KeepRole::worker_output, ends->ours);
  auto opened = OutputPipe::open(loop_, std::move(ends->ours), pipe_handlers(is_stderr), std::move(kept));
  if (!opened) return std::unexpected(opened.error());
  pipe = std::move(*opened);
  return std::move(ends->theirs);
}

OutputPipe::Handlers WorkerOutput::pipe_handlers(bool is_stderr) {
  return {.line = [this, is_stderr](std::string_view line) { add(is_stderr, line); },
          .read = [this] { output_.flush(); }};
}

std::vector<std::uint32_t> WorkerOutput::save() const {
  std::vector<std::uint32_t> numbers;
  for (const Pipes& pipes : pipes_) {
    for (const auto& pipe : pipes) numbers.push_back(pipe ? pipe->number() : 0);
  }
  return numbers;
}

os::Result<void> WorkerOutput::restore(const std::vector<std::uint32_t>& numbers) {
  os::Result<void> all;
  for (std::size_t i = 0; i < numbers.size() && i < 2 * pipes_.size(); ++i) {
    if (numbers[i] == 0) continue;
    const bool is_stderr = i % 2 == 1;
    auto left = settings_.keeper->take(KeepRole::worker_output, numbers[i]);
    auto opened = left ? OutputPipe::open(loop_, std::move(left->fd), pipe_handlers(is_stderr), std::move(left->part))
                       : std::unexpected(left.error());
    if (opened) {
      pipes_[i / 2][is_stderr ? 1 : 0] = std::move(*opened);
    } else {
      all = std::unexpected(opened.error());
    }
  }
  return all;
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
