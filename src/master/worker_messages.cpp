// What a worker says, turned into events of the core: the second half of worker_process.hpp.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>
#include <variant>

#include "core/text.hpp"
#include "master/worker_process.hpp"

namespace liveswap::master {
namespace {

constexpr int kProblemsToldMax = 20;  // of one worker: it must not be able to fill the log

}  // namespace

// ---- readiness ----

void WorkerProcess::begin_readiness() {
  const core::ReadyPlan& ready = release_->plan.ready;
  if (ready.when == core::ReadyWhen::delay) {
    ready_delay_ = std::make_unique<loop::Timer>(context_.setup.loop, [this] { become_ready(); });
    ready_delay_->start_after(ready.delay);
  }
  if (ready.when == core::ReadyWhen::command) {
    ready_check_ = std::make_unique<ReadyCheck>(
        context_.setup.loop, context_.children, ready.interval,
        ReadyCheck::Handlers{.start =
                                 [this] {
                                   return launch(prepare_ready_command(*release_, traits_),
                                                 OutputUser::ready_command);
                                 },
                             .ready = [this] { become_ready(); },
                             .problem =
                                 [this](std::string_view text) {
                                   output_.remark("liveswap: ready command: " + std::string(text));
                                 }});
    ready_check_->begin();
  }
}

// A program may have several listeners, and say nothing when it has them all: so what serves now is the measure, and
// where a new release has fewer, a moment without another one.
void WorkerProcess::on_listens() {
  constexpr std::chrono::seconds kNoOtherFollows{1};
  on_running();
  if (release_->plan.ready.when != core::ReadyWhen::listen || ready_) return;
  const auto missing = context_.setup.program_sockets->missing(ids_.app, release_->plan, binds_->bound());
  status_ = missing.listeners.empty() ? "" : fmt::format("does not listen at {} yet", missing.listeners.front());
  ready_delay_.reset();
  if (!missing.listeners.empty()) return;
  if (missing.others.empty()) return become_ready();
  ready_delay_ = std::make_unique<loop::Timer>(context_.setup.loop, [this, others = missing.others] {
    tell_problem(fmt::format("does not listen at {}, as the workers before it do", fmt::join(others, ", ")));
    become_ready();
  });
  ready_delay_->start_after(kNoOtherFollows);
}

void WorkerProcess::become_ready() {
  if (std::exchange(ready_, true)) return;
  tell_if_unseen();
  context_.setup.post(core::WorkerReady{ids_.worker});
}

// The library tells of each call, also of those that are left to the kernel: so it is not in the program.
void WorkerProcess::tell_if_unseen() {
  if (!preloads_ || !binds_ || binds_->was_called()) return;
  binds_->tell_once(
      "was not seen to bind: bind_by: preload sees no program that is statically linked or set-user-ID, that clears "
      "LD_PRELOAD, or that cannot read " +
      context_.setup.bind_library.value_or("liveswap-bind.so"));
}

// ---- messages ----

// A datagram can be seen before the channel's end, though it was sent after the program was executed.
void WorkerProcess::on_said(const std::vector<protocols::WorkerEvent>& events) {
  if (failed_) return;
  on_running();
  for (const protocols::WorkerEvent& event : events) {
    std::visit([this](const auto& said) { take(said); }, event);
  }
}

void WorkerProcess::take(const protocols::Ready& said) {
  if (release_->plan.ready.when == said.by) become_ready();
}

void WorkerProcess::take(const protocols::Stopping&) {
  if (std::exchange(stopping_, true)) return;
  context_.draining(ids_.worker);
  context_.setup.post(core::WorkerStopping{ids_.worker});
}

void WorkerProcess::take(const protocols::ExtendTimeout& said) {
  context_.setup.post(core::DeadlineExtended{ids_.worker, said.by});
}

void WorkerProcess::take(const protocols::WatchdogPing&) { context_.setup.post(core::WatchdogPinged{ids_.worker}); }

void WorkerProcess::take(const protocols::WatchdogTrigger&) {
  context_.setup.post(core::WatchdogTriggered{ids_.worker});
}

void WorkerProcess::take(const protocols::WatchdogInterval& said) {
  context_.setup.post(core::WatchdogChanged{ids_.worker, said.interval});
}

void WorkerProcess::take(const protocols::Connections& said) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  connections_ = static_cast<std::uint32_t>(std::min(said.open, kMax));
}

// Believed only of a living process of this worker. The process before stays until it ends, which then is no end of
// the worker.
void WorkerProcess::take(const protocols::MainPid& said) {
  if (main_ && main_->pid() == said.pid) return;
  std::vector<TreeMember> others = find_others();
  const auto named = std::ranges::find(others, said.pid, &TreeMember::pid);
  if (named == others.end()) {
    return tell_problem("MAINPID=" + std::to_string(said.pid) + " is no living process of this worker: ignored");
  }
  auto process = watch_process(named->pid, std::move(named->pidfd));
  if (!process) return tell_problem("MAINPID: " + process.error().message());
  if (main_) former_.push_back(std::move(main_));
  main_ = std::move(*process);
  main_changed();
}

void WorkerProcess::tell_problem(std::string_view text) {
  if (++problems_told_ > kProblemsToldMax) return;
  context_.setup.log.tell(core::LogLevel::warn, subject(), text);
  if (problems_told_ == kProblemsToldMax) {
    context_.setup.log.tell(core::LogLevel::warn, subject(), "further problems of this worker are not told");
  }
}

void WorkerProcess::tell_info(std::string_view text) const {
  context_.setup.log.tell(core::LogLevel::info, subject(), text);
}

std::string WorkerProcess::subject() const {
  return release_->plan.name + "/" + std::to_string(ids_.slot) + " " + core::text_of(ids_.generation);
}

}  // namespace liveswap::master
