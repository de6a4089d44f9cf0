// `on_message`: hands an operator's messages to a command, one after the other, each by a run of its own. Owned by the
// worker's process; destroyed, the command that runs is killed and what waits is not handed on.
#pragma once

#include <chrono>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "loop/deferred.hpp"
#include "loop/loop.hpp"
#include "master/children.hpp"
#include "master/command_run.hpp"
#include "master/launcher.hpp"

namespace liveswap::master {

// Called once: whether the worker got the message.
using Reached = std::function<void(bool)>;

class MessageCommand {
 public:
  struct Handlers {
    std::function<std::expected<LaunchedProcess, std::string>(std::string_view text)> start;
    std::function<void(std::string_view text)> problem;
  };

  MessageCommand(loop::Loop& loop, Children& children, Handlers handlers);
  ~MessageCommand();
  MessageCommand(const MessageCommand&) = delete;
  MessageCommand& operator=(const MessageCommand&) = delete;

  // Reached is whoever's command was executed. Refused where too many wait already.
  void hand(std::string_view text, Reached reached);

 private:
  struct Message {
    std::string text;
    Reached reached;
  };

  void run_next();
  void on_ended(const CommandRun::End& end);
  void settle(bool reached);

  loop::Loop& loop_;
  Children& children_;
  Handlers handlers_;
  std::deque<Message> messages_;  // the first one is being handed on where there is a run
  std::unique_ptr<CommandRun> run_;
  loop::Deferred next_;
};

}  // namespace liveswap::master
