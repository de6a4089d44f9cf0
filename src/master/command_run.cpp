#include "master/command_run.hpp"

#include <signal.h>

#include <utility>

namespace liveswap::master {
namespace {

constexpr std::chrono::seconds kGrace{5};  // between TERM and KILL

}  // namespace

bool CommandRun::End::succeeded() const {
  return ran && !timed_out && status == os::ExitStatus{os::ExitStatus::Kind::exited, 0, false};
}

CommandRun::CommandRun(loop::Loop& loop, Handlers handlers)
    : handlers_(std::move(handlers)), timer_(loop, [this] { time_is_up(); }) {}

std::expected<std::unique_ptr<CommandRun>, std::string> CommandRun::open(loop::Loop& loop, Children& children,
                                                                         LaunchedProcess launched,
                                                                         Handlers handlers) {
  auto run = std::unique_ptr<CommandRun>(new CommandRun(loop, std::move(handlers)));
  CommandRun* self = run.get();
  auto process = WatchedProcess::open(loop, children, launched.pid, std::move(launched.pidfd),
                                      [self](const os::ExitStatus& status) { self->on_ended(status); });
  if (!process) {
    ::kill(launched.pid, SIGKILL);  // not reaped yet, so still this one
    return std::unexpected(process.error().message());
  }
  run->process_ = std::move(*process);
  auto channel = WorkerChannel::open(
      loop, std::move(launched.channel), false,
      {.running =
           [self] {
             self->end_.ran = true;
             self->handlers_.running();
           },
       .failed =
           [self](const std::string& text) {
             self->handlers_.failed(text.empty() ? "the launcher ended without a word" : text);
           },
       .said = [](std::span<const std::byte>, std::size_t) {}});
  if (!channel) return std::unexpected(channel.error().message());
  run->channel_ = std::move(*channel);
  return run;
}

CommandRun::~CommandRun() { signal_group(SIGKILL); }

// The command leads its process group, and its pid is its own until it is reaped, so the group can be meant.
void CommandRun::signal_group(int signo) const {
  if (!process_) return;
  ::kill(-process_->pid(), signo);
  process_->signal(signo);  // the launcher has not made the group yet
}

void CommandRun::limit(std::chrono::microseconds time) { timer_.start_after(time); }

void CommandRun::stop() {
  if (std::exchange(stopping_, true)) return;
  signal_group(SIGTERM);
  timer_.start_after(kGrace);
}

void CommandRun::time_is_up() {
  if (stopping_) return signal_group(SIGKILL);
  end_.timed_out = true;
  stop();
}

// A channel that says how the launch went may be read only now.
void CommandRun::on_ended(const os::ExitStatus& status) {
  timer_.stop();
  if (channel_) channel_->finish();
  channel_.reset();
  process_.reset();
  end_.status = status;
  const End end = end_;
  const auto ended = std::move(handlers_.ended);
  ended(end);
}

}  // namespace liveswap::master
