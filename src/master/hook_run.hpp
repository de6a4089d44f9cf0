// One run of an app's pre_upgrade hook: its request as JSON on standard input, its lines in the log, and at its end the
// verdict. Owned by Hooks.
//
// A line `target=PATH` on standard output chooses another target; the last one counts, and is looked at when the hook
// has ended with status 0. All other lines are for people.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/event.hpp"
#include "loop/loop.hpp"
#include "master/children.hpp"
#include "master/command_run.hpp"
#include "master/facts.hpp"
#include "master/launcher.hpp"
#include "master/line_tail.hpp"
#include "master/output.hpp"
#include "master/output_pipe.hpp"
#include "master/release.hpp"
#include "os/descriptor_limit.hpp"

namespace liveswap::master {

struct HookSetup {
  loop::Loop& loop;
  Launcher& launcher;
  Children& children;
  Output& output;
  std::optional<os::DescriptorLimit> descriptor_limit;
};

// `surroundings`: by make_hook_release(). `serving`: the release that the upgrade replaces; 0: none.
struct HookJob {
  core::RunHook ids;
  std::shared_ptr<const Release> surroundings;
  core::ReleaseId serving;
};

class HookRun {
 public:
  using Ended = std::function<void(core::HookEnded)>;  // once, from the loop; it may destroy this

  HookRun(const HookSetup& setup, HookJob job, Ended ended);

  // An error, in the words of what failed: it does not run, and `ended` is not called.
  [[nodiscard]] std::expected<void, std::string> start();
  void stop();

  [[nodiscard]] core::RequestId request() const { return job_.ids.request; }

 private:
  [[nodiscard]] std::expected<LaunchedProcess, std::string> launch();
  [[nodiscard]] std::expected<os::OwnedFd, std::string> open_pipe(bool is_stderr, std::unique_ptr<OutputPipe>& pipe);
  void take(bool is_stderr, std::string_view line);
  void on_ended(const CommandRun::End& end);
  [[nodiscard]] std::string problem_of(const CommandRun::End& end) const;
  [[nodiscard]] std::expected<std::optional<std::string>, std::string> chosen_target() const;

  const HookSetup& setup_;
  HookJob job_;
  Ended ended_;
  LineTail tail_;
  std::string launch_problem_;
  std::optional<std::string> target_;
  std::unique_ptr<OutputPipe> out_, err_;
  std::unique_ptr<CommandRun> run_;
};

// What the hook is asked, on one line.
[[nodiscard]] std::string hook_request(const HookJob& job);

}  // namespace liveswap::master
