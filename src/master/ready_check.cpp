#include "master/ready_check.hpp"

#include <utility>

namespace liveswap::master {

ReadyCheck::ReadyCheck(loop::Loop& loop, Children& children, std::chrono::microseconds interval, Handlers handlers)
    : loop_(loop),
      children_(children),
      interval_(interval),
      handlers_(std::move(handlers)),
      next_(loop, [this] { run(); }) {}

void ReadyCheck::run() {
  next_at_ = loop_.now() + interval_;
  auto launched = handlers_.start();
  const auto watched = launched ? watch(std::move(*launched)) : std::unexpected(std::move(launched.error()));
  if (watched) return;
  tell(watched.error());
  next_.start_at(next_at_);
}

std::expected<void, std::string> ReadyCheck::watch(LaunchedProcess launched) {
  auto run = CommandRun::open(loop_, children_, std::move(launched),
                              {.running = [] {},
                               .failed = [this](const std::string& text) { tell(text); },
                               .ended = [this](const CommandRun::End& end) { on_ended(end); }});
  if (!run) return std::unexpected(std::move(run.error()));
  run_ = std::move(*run);
  return {};
}

void ReadyCheck::on_ended(const CommandRun::End& end) {
  run_.reset();
  if (end.ran) told_.clear();
  if (end.succeeded()) {
    handlers_.ready();
  } else {
    next_.start_at(next_at_);
  }
}

void ReadyCheck::tell(const std::string& problem) {
  if (std::exchange(told_, problem) != problem) handlers_.problem(problem);
}

}  // namespace liveswap::master
