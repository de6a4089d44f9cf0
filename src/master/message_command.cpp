#include "master/message_command.hpp"

#include <utility>

namespace liveswap::master {
namespace {

constexpr std::size_t kWaitingMax = 16;
constexpr std::chrono::seconds kRunMax{60};

}  // namespace

MessageCommand::MessageCommand(loop::Loop& loop, Children& children, Handlers handlers)
    : loop_(loop), children_(children), handlers_(std::move(handlers)), next_(loop, [this] { run_next(); }) {}

MessageCommand::~MessageCommand() {
  for (Message& message : messages_) {
    if (message.reached) message.reached(false);
  }
}

void MessageCommand::hand(std::string_view text, Reached reached) {
  if (messages_.size() >= kWaitingMax) return reached(false);
  messages_.push_back({std::string(text), std::move(reached)});
  if (!run_) next_.schedule();
}

void MessageCommand::settle(bool reached) {
  if (const Reached told = std::exchange(messages_.front().reached, nullptr)) told(reached);
}

void MessageCommand::run_next() {
  if (run_ || messages_.empty()) return;
  auto launched = handlers_.start(messages_.front().text);
  auto run = launched ? CommandRun::open(loop_, children_, std::move(*launched),
                                         {.running = [this] { settle(true); },
                                          .failed = [this](const std::string& text) { handlers_.problem(text); },
                                          .ended = [this](const CommandRun::End& end) { on_ended(end); }})
                      : std::unexpected(std::move(launched.error()));
  if (run) {
    run_ = std::move(*run);
    return run_->limit(kRunMax);
  }
  handlers_.problem(run.error());
  settle(false);
  messages_.pop_front();
  next_.schedule();
}

void MessageCommand::on_ended(const CommandRun::End& end) {
  run_.reset();
  settle(false);  // unless it was executed
  messages_.pop_front();
  if (end.timed_out) {
    handlers_.problem("ended, since it took longer than a minute");
  } else if (end.ran && !end.succeeded()) {
    handlers_.problem(end.status.text());
  }
  next_.schedule();
}

}  // namespace liveswap::master
