// A place for tests to run real workers in: loop, launcher, output, Workers, and everything that they posted and wrote.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/event.hpp"
#include "core/text.hpp"
#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/launcher.hpp"
#include "master/log.hpp"
#include "master/output.hpp"
#include "master/release.hpp"
#include "master/workers.hpp"
#include "os/pidfd.hpp"
#include "os/signals.hpp"
#include "pipe.hpp"

namespace liveswap::master::test {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

template <class T, class E>
T must(std::expected<T, E> result) {
  if constexpr (std::is_same_v<E, os::Error>) {
    if (!result) FAIL(result.error().message());
  } else {
    if (!result) FAIL(result.error());
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline std::string launcher_path() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  REQUIRE(size > 0);
  const std::filesystem::path folder = std::filesystem::path(path.data()).parent_path();
  return folder / "../../src/launch/liveswap-launch";
}

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/liveswap-master-test-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    REQUIRE(::chmod(name, 0755) == 0);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string path(std::string_view name = "") const {
    return name.empty() ? path_ : path_ + "/" + std::string(name);
  }
  std::string write(std::string_view name, std::string_view text, mode_t mode = 0755) const {
    const os::OwnedFd file{os::adopt, ::open(path(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
    REQUIRE(file);
    REQUIRE(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    return path(name);
  }

 private:
  std::string path_;
};

inline core::AppPlan app_plan(std::vector<std::string> command) {
  core::AppPlan plan;
  plan.name = "web";
  plan.command = std::move(command);
  plan.cwd = "/";
  plan.pass_env.kind = core::PassEnv::Kind::none;
  plan.env = {{"PATH", "/usr/bin:/bin"}};
  return plan;
}
// A script as it is: its `$` are not the configuration's.
inline std::string verbatim(std::string_view script) {
  std::string word;
  for (const char c : script) word.append(c == '$' ? 2 : 1, c);
  return word;
}
inline core::AppPlan shell(std::string_view script) { return app_plan({"/bin/sh", "-c", verbatim(script)}); }
inline core::AppPlan python(std::string_view script) {
  const std::string prelude =
      "import os, signal, socket, sys, time\n"
      "def say(text, fds=()):\n"
      "  s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
      "  address = os.environ['NOTIFY_SOCKET']\n"
      "  s.connect(address if address[0] == '/' else '\\0' + address[1:])\n"
      "  socket.send_fds(s, [text.encode()], fds) if fds else s.send(text.encode())\n";
  return app_plan({"/usr/bin/python3", "-S", "-c", verbatim(prelude + std::string(script))});
}

// One word for each event, with what tests look at: "launched 1", "exited 1: exit status 3".
inline std::string text_of_event(const core::Event& event) {
  const auto id = [](core::WorkerId worker) { return std::to_string(worker.value); };
  if (const auto* e = std::get_if<core::Launched>(&event)) return "launched " + id(e->worker);
  if (const auto* e = std::get_if<core::LaunchFailed>(&event)) {
    return "failed " + id(e->worker) + ": " + std::string(core::name_of(e->reason)) + ": " + e->text;
  }
  if (const auto* e = std::get_if<core::WorkerReady>(&event)) return "ready " + id(e->worker);
  if (const auto* e = std::get_if<core::WorkerStopping>(&event)) return "stopping " + id(e->worker);
  if (const auto* e = std::get_if<core::DeadlineExtended>(&event)) {
    return "extended " + id(e->worker) + " by " + std::to_string(e->by.count());
  }
  if (const auto* e = std::get_if<core::WatchdogPinged>(&event)) return "pinged " + id(e->worker);
  if (const auto* e = std::get_if<core::WatchdogTriggered>(&event)) return "triggered " + id(e->worker);
  if (const auto* e = std::get_if<core::WatchdogChanged>(&event)) {
    return "watchdog " + id(e->worker) + " " + std::to_string(e->interval.count());
  }
  if (const auto* e = std::get_if<core::WorkerExited>(&event)) {
    return "exited " + id(e->worker) + ": " + core::text_of(e->status) + (e->tree_gone ? "" : ", left others");
  }
  if (const auto* e = std::get_if<core::TreeGone>(&event)) return "gone " + id(e->worker);
  return "something else";
}

class Site {
 public:
  Site() {
    REQUIRE(os::set_child_subreaper().has_value());
    workers = std::make_unique<Workers>(setup(folder.path()));
    child_watch_ = must(loop::FdWatch::open(loop, child_signals_.fd(), {.readable = true}, [this](loop::Readiness) {
      while (must(child_signals_.read())) {
      }
      workers->reap();
    }));
  }
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  ~Site() {
    for (std::uint64_t id = 1; id <= spawned_; ++id) workers->signal({core::WorkerId{id}, SIGKILL, true});
    run_until([this] { return living_ == 0; });
  }

  WorkerSetup setup(const std::string& runtime_dir) {
    return {.loop = loop,
            .launcher = launcher,
            .output = output,
            .log = log,
            .post = [this](const core::Event& event) { take(event); },
            .sockets_for = [this](const SocketUser&, std::span<const std::string> names) { return sockets_of(names); },
            .leaving = [](const core::Spawn&) {},
            .starved = [](const core::Spawn&) { return true; },
            .left = [](core::WorkerId) {},
            .sockets_used_by = [this](core::AppId) { return sockets; },
            .own_sockets_of = [this](const core::Spawn&) { return own_sockets; },
            .runtime_dir = runtime_dir,
            .own_streams = {out.write, err.write},
            .worker_empty = [this](core::WorkerId worker) { empty.push_back(worker.value); }};
  }

  std::shared_ptr<const Release> release(const core::AppPlan& plan, const ReleaseOverrides& overrides = {}) {
    const ReleaseRequest request{core::AppId{1}, core::ReleaseId{7}, plan, overrides, own_environment, sockets, "/"};
    return must(make_release(request));
  }

  // Its id counts from 1.
  core::WorkerId spawn(const core::AppPlan& plan, core::Slot slot = 0) { return spawn(release(plan), slot); }
  core::WorkerId spawn(std::shared_ptr<const Release> of, core::Slot slot = 0) {
    const core::WorkerId worker{++spawned_};
    ++living_;
    workers->spawn({worker, core::AppId{1}, slot, core::GenerationId{3}, core::ReleaseId{7}}, std::move(of));
    workers->let_run();
    return worker;
  }

  // Runs the loop until the condition holds; fails after a minute, which no passing test needs on any machine.
  template <class Condition>
  void run_until(Condition condition) {
    bool late = false;
    loop::Timer limit(loop, [&] {
      late = true;
      loop.stop();
    });
    limit.start_after(60s);
    std::unique_ptr<loop::Timer> look;
    look = std::make_unique<loop::Timer>(loop, [&] {
      read_out();
      if (condition()) return loop.stop();
      look->start_after(200us);
    });
    look->start_after(0us);
    loop.run();
    if (late) FAIL("nothing more came after: ", end_of(events), end_of(logged), " out: ", out_text, " err: ", err_text);
  }
  void run_until_event(const std::string& event) {
    run_until([&] { return std::ranges::count(events, event) > 0; });
  }
  void run_until_ended() {
    run_until([&] { return living_ == 0; });
  }
  void run_for(std::chrono::microseconds time) {
    const auto end = loop.now() + time;
    run_until([&] { return loop.now() >= end; });
  }

  [[nodiscard]] pid_t pid(core::WorkerId worker) const { return workers->facts(worker).pid; }
  void kill(core::WorkerId worker) { workers->signal({worker, SIGKILL, true}); }

  loop::Loop loop;
  Folder folder;
  Pipe out, err;  // the master's own standard output and error
  Lines logged;
  Output output{loop, out.write, err.write};
  Log log{core::LogLevel::debug, core::LogFormat::text,
          [this](std::string_view line) { logged.emplace_back(line); }};
  Launcher launcher = must(Launcher::open(os::OwnedFd{os::adopt, ::open(launcher_path().c_str(), O_PATH | O_CLOEXEC)}));
  std::vector<std::string> own_environment;
  std::vector<BoundSocket> sockets;
  std::vector<OwnSocket> own_sockets;  // of every worker
  std::vector<std::uint64_t> empty;      // workers that had no connection left, as often as that was told
  Lines events;
  std::vector<core::Event> raw_events;
  std::string out_text, err_text;
  std::unique_ptr<Workers> workers;

 private:
  void take(const core::Event& event) {
    raw_events.push_back(event);
    events.push_back(text_of_event(event));
    const auto* exited = std::get_if<core::WorkerExited>(&event);
    if (std::holds_alternative<core::LaunchFailed>(event) || std::holds_alternative<core::TreeGone>(event) ||
        (exited != nullptr && exited->tree_gone)) {
      --living_;
    }
  }
  static std::string end_of(const Lines& lines) {
    std::string all;
    for (std::size_t i = lines.size() > 20 ? lines.size() - 20 : 0; i < lines.size(); ++i) all += lines[i] + "; ";
    return all;
  }
  std::vector<BoundSocket> sockets_of(std::span<const std::string> names) {
    std::vector<BoundSocket> found;
    for (const std::string& name : names) {
      for (const BoundSocket& socket : sockets) {
        if (socket.listener == name) found.push_back(socket);
      }
    }
    return found;
  }
  void read_out() {
    out_text += read_now(out.read);
    err_text += read_now(err.read);
  }

  os::SignalFd child_signals_ = must(os::SignalFd::open({SIGCHLD}));
  std::unique_ptr<loop::FdWatch> child_watch_;
  std::uint64_t spawned_ = 0;
  int living_ = 0;
};

}  // namespace liveswap::master::test
