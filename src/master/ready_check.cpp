#include "master/ready_check.hpp"

#include <signal.h>

#include <utility>

namespace liveswap::master {

ReadyCheck::ReadyCheck(loop::Loop& loop, Children& children, std::chrono::microseconds interval, Handlers handlers)
    : loop_(loop),
      children_(children),
      interval_(interval),
      handlers_(std::move(handlers)),
      next_(loop, [this] { run(); }) {}

// The command leads its process group, and its pid is its own until it is reaped, so the group can be meant.
ReadyCheck::~ReadyCheck() {
  if (!process_) return;
  ::kill(-process_->pid(), SIGKILL);
  process_->signal(SIGKILL);
}

void ReadyCheck::run() {
  next_at_ = loop_.now() + interval_;
  runs_ = false;
  auto launched = handlers_.start();
  const auto watched = launched ? watch(std::move(*launched)) : std::unexpected(std::move(launched.error()));
  if (watched) return;
  tell(watched.error());
  next_.start_at(next_at_);
}

std::expected<void, std::string> ReadyCheck::watch(LaunchedProcess launched) {
  const WorkerChannel::Handlers channel_handlers{
      .running = [this] { runs_ = true; },
      .failed = [this](const std::string& text) { tell(text.empty() ? "the launcher ended without a word" : text); },
      .said = [](std::span<const std::byte>, std::size_t) {},
  };
  auto channel = WorkerChannel::open(loop_, std::move(launched.channel), false, channel_handlers);
  auto process = WatchedProcess::open(loop_, children_, launched.pid, std::move(launched.pidfd),
                                      [this](const os::ExitStatus& status) { on_ended(status); });
  if (!process) {
    ::kill(launched.pid, SIGKILL);  // not reaped yet, so still this one
    return std::unexpected(process.error().message());
  }
  process_ = std::move(*process);
  if (!channel) {
    process_->signal(SIGKILL);
    return std::unexpected(channel.error().message());
  }
  channel_ = std::move(*channel);
  return {};
}

void ReadyCheck::on_ended(const os::ExitStatus& status) {
  if (channel_) channel_->finish();
  channel_.reset();
  process_.reset();
  if (runs_) told_.clear();
  if (runs_ && status == os::ExitStatus{os::ExitStatus::Kind::exited, 0, false}) {
    handlers_.ready();
  } else {
    next_.start_at(next_at_);
  }
}

void ReadyCheck::tell(const std::string& problem) {
  if (std::exchange(told_, problem) != problem) handlers_.problem(problem);
}

}  // namespace liveswap::master
