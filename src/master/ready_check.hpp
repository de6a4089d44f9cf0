// `ready: {when: command}`: runs the command until it ends with status 0. Owned by the worker's process, and begun when
// that runs; a command that still runs when this is destroyed is killed, with all that is in its process group.
//
// One at a time: the next one starts an interval after the last one started, or when that has ended if it took longer.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/children.hpp"
#include "master/command_run.hpp"
#include "master/launcher.hpp"

namespace liveswap::master {

class ReadyCheck {
 public:
  struct Handlers {
    std::function<std::expected<LaunchedProcess, std::string>()> start;  // the command, once
    std::function<void()> ready;                                         // it ended with status 0: nothing follows
    std::function<void(std::string_view text)> problem;  // it could not be started; told when that changes
  };

  ReadyCheck(loop::Loop& loop, Children& children, std::chrono::microseconds interval, Handlers handlers);
  ReadyCheck(const ReadyCheck&) = delete;
  ReadyCheck& operator=(const ReadyCheck&) = delete;

  void begin() { run(); }

 private:
  void run();
  [[nodiscard]] std::expected<void, std::string> watch(LaunchedProcess launched);
  void on_ended(const CommandRun::End& end);
  void tell(const std::string& problem);

  loop::Loop& loop_;
  Children& children_;
  std::chrono::microseconds interval_;
  Handlers handlers_;
  loop::Timer next_;
  std::chrono::microseconds next_at_{};
  std::unique_ptr<CommandRun> run_;
  std::string told_;
};

}  // namespace liveswap::master
