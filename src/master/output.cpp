#include "master/output.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

namespace liveswap::master {
namespace {

// Two queues to one pipe would mix lines, where one of them is cut by a full pipe.
bool is_same_file(os::FdRef a, os::FdRef b) {
  struct stat of_a {};
  struct stat of_b {};
  return ::fstat(a.get(), &of_a) == 0 && ::fstat(b.get(), &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
         of_a.st_ino == of_b.st_ino;
}

std::string label_of(const LineSource& source) {
  if (!source.generation) return source.app + " hook | ";
  return fmt::format("{}/{} g{} | ", source.app, source.slot, source.generation.value);
}

}  // namespace

Output::Output(loop::Loop& loop, os::FdRef standard_output, os::FdRef standard_error, TakeLine take)
    : take_(std::move(take)),
      flushing_(loop, [this] { flush(); }),
      out_(std::make_unique<LineSink>(loop, standard_output)) {
  if (!is_same_file(standard_output, standard_error)) err_ = std::make_unique<LineSink>(loop, standard_error);
}

Output::~Output() {
  if (own_waits_) flush();
}

void Output::add(const LineSource& source, std::string_view line) {
  if (take_) {
    take_(source, line);
  } else {
    sink(source.is_stderr).add(label_of(source), line);
  }
  remember(source, line);
}

void Output::add_own(std::string_view line) {
  const LineSource source{.app = "", .is_stderr = true};
  if (take_) {
    take_(source, line);
  } else {
    sink(true).add("", line);
    own_waits_ = true;
    flushing_.schedule();
  }
  remember(source, line);
}

void Output::remember(const LineSource& source, std::string_view line) {
  OutputLine remembered;
  remembered.at = std::chrono::system_clock::now();
  remembered.app = source.app;
  remembered.generation = source.generation;
  remembered.slot = source.slot;
  remembered.is_stderr = source.is_stderr;
  remembered.text = line;
  ring_.add(std::move(remembered));
}

void Output::flush() {
  own_waits_ = false;
  out_->flush();
  if (err_) err_->flush();
}

void Output::finish(std::chrono::milliseconds patience, const std::function<void(std::uint64_t)>& tell_lost) {
  const std::uint64_t lost = out_->finish(patience);
  if (!err_) return;
  if (lost > 0) tell_lost(lost);
  (void)err_->finish(patience);  // who reads neither of them is told nothing
}

}  // namespace liveswap::master
