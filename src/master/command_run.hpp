// One run of a command that is no worker: a ready command, a hook, what a message is handed to. Owned by whoever wants
// its end; destroyed before that, the command is killed, with all that is in its process group.
//
//   launching ──executed──▶ running ──────────▶ ended
//       │                      │ its time is up, or stop(): TERM, and KILL a while later
//       └──── failed ──────────┴──────────────▶
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/children.hpp"
#include "master/launcher.hpp"
#include "master/watched_process.hpp"
#include "master/worker_channel.hpp"
#include "os/pidfd.hpp"

namespace liveswap::master {

class CommandRun {
 public:
  struct End {
    bool ran = false;        // it was executed
    bool timed_out = false;  // it was ended because its time was up
    os::ExitStatus status;
    [[nodiscard]] bool succeeded() const;  // by itself, with status 0
  };
  struct Handlers {
    std::function<void()> running;                         // it was executed
    std::function<void(const std::string& text)> failed;   // it was not: "exec ./x: No such file or directory"
    std::function<void(const End&)> ended;                 // last of all; it may destroy this
  };

  // None of the handlers is called before this has returned. An error leaves no process.
  [[nodiscard]] static std::expected<std::unique_ptr<CommandRun>, std::string> open(loop::Loop& loop,
                                                                                    Children& children,
                                                                                    LaunchedProcess launched,
                                                                                    Handlers handlers);
  ~CommandRun();
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;

  // So long it may run.
  void limit(std::chrono::microseconds time);
  // Ends it: TERM now, KILL when that has not helped in time.
  void stop();

 private:
  CommandRun(loop::Loop& loop, Handlers handlers);
  void on_ended(const os::ExitStatus& status);
  void time_is_up();
  void signal_group(int signo) const;

  Handlers handlers_;
  loop::Timer timer_;
  bool stopping_ = false;
  End end_;
  std::unique_ptr<WatchedProcess> process_;
  std::unique_ptr<WorkerChannel> channel_;
};

}  // namespace liveswap::master
