// A host for tests of an embedded master: a program with a life of its own, which the master must not touch. It starts
// a process of its own, has a handler for CHLD that counts, and leaves SIGPIPE as it is, at its default.
//
//   embed_host LAUNCHER MODE TARGET ADDRESS
//
// MODE: own       on the master's own loop: runs it, upgrades when the first app runs, stops after that
//       borrowed  the same on a loop of the host's, which must be empty at the end
//       leave     destroys the master while its workers run
//       callback  as borrowed, with the lines by callback
//       signals   on the master's own loop, which has the signals: runs until one ends it
//       refusals  options that make no sense, one after the other
// TARGET ending in .yaml is a configuration file, and ADDRESS is not used then. What the host found it says on standard
// output, a line each.
#include <fcntl.h>
#include <liveswap/master.hpp>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

namespace {

std::atomic<int> children_ended;

void on_child(int) { ++children_ended; }

void say(const char* what, long number) { std::printf("%s %ld\n", what, number); }

// What a library has no business with.
struct ProcessState {
  struct sigaction pipe {};
  struct sigaction terminate {};
  sigset_t blocked{};
  rlimit descriptors{};
  int subreaper = 0;

  static ProcessState now() {
    ProcessState state;
    ::sigaction(SIGPIPE, nullptr, &state.pipe);
    ::sigaction(SIGTERM, nullptr, &state.terminate);
    ::pthread_sigmask(SIG_SETMASK, nullptr, &state.blocked);
    ::getrlimit(RLIMIT_NOFILE, &state.descriptors);
    ::prctl(PR_GET_CHILD_SUBREAPER, &state.subreaper, 0, 0, 0);
    return state;
  }
  [[nodiscard]] bool is(const ProcessState& other) const {
    for (int number = 1; number < 65; ++number) {
      if (::sigismember(&blocked, number) != ::sigismember(&other.blocked, number)) return false;
    }
    return pipe.sa_handler == other.pipe.sa_handler && terminate.sa_handler == other.terminate.sa_handler &&
           descriptors.rlim_cur == other.descriptors.rlim_cur && subreaper == other.subreaper;
  }
};

int open_descriptors() {
  int count = 0;
  for (int number = 0; number < 1024; ++number) count += ::fcntl(number, F_GETFD) != -1 ? 1 : 0;
  return count;
}

pid_t start_own_child() {
  pid_t pid = 0;
  char shell[] = "/bin/sh";
  char option[] = "-c";
  char script[] = "exit 7";
  char* arguments[] = {shell, option, script, nullptr};
  return ::posix_spawn(&pid, shell, nullptr, nullptr, arguments, environ) == 0 ? pid : -1;
}

struct Host {
  std::string mode;
  uv_loop_t loop{};
  bool has_loop = false;
  std::optional<liveswap::Master> master;
  int events = 0;
  bool asked = false;

  void on_event(const liveswap::MasterEvent& event) {
    ++events;
    if (event.kind != "app_running" || std::exchange(asked, true)) return;
    if (mode == "signals") return say("running", ::getpid());
    if (mode == "leave") return uv_stop(&loop);
    const auto begun = master->upgrade({.app = "", .target = {}, .command = {}, .env = {}, .label = "second"},
                                       [this](const liveswap::MasterOutcome& outcome) { on_outcome(outcome); });
    if (!begun) std::printf("refused: %s\n", begun.error().c_str());
  }

  void on_outcome(const liveswap::MasterOutcome& outcome) {
    std::printf("upgrade %s\n", outcome.result.c_str());
    say("generation", static_cast<long>(outcome.generation));
    std::printf("status %s\n", master->status_json().c_str());
    const auto refused = master->upgrade({.app = "nobody"});
    std::printf("refused: %s\n", refused ? "" : refused.error().c_str());
    master->stop();
  }

  liveswap::MasterOptions options(char** argv) {
    liveswap::MasterOptions options;
    options.launcher = argv[1];
    const std::string target = argv[3];
    if (target.ends_with(".yaml")) {
      options.file = target;
    } else {
      options.target = target;
      options.listeners = {std::string("http=") + argv[4]};
    }
    options.rights.signals = mode == "signals";
    options.event = [this](const liveswap::MasterEvent& event) { on_event(event); };
    options.ended = [](int status) { say("ended", status); };
    if (mode == "callback") {
      options.output = [](const liveswap::MasterLine& line) {
        std::printf("line [%.*s] %.*s\n", static_cast<int>(line.app.size()), line.app.data(),
                    static_cast<int>(line.text.size()), line.text.data());
      };
    }
    return options;
  }

  int run(char** argv) {
    auto made = liveswap::Master::create(options(argv), has_loop ? &loop : nullptr);
    if (!made) {
      std::printf("not created: %s\n", made.error().c_str());
      return 1;
    }
    master.emplace(std::move(*made));
    if (const auto begun = master->start(); !begun) {
      std::printf("not started: %s\n", begun.error().c_str());
      return 1;
    }
    if (has_loop) {
      uv_run(&loop, UV_RUN_DEFAULT);
    } else {
      say("run", master->run());
    }
    return 0;
  }

  static void say_refusal(liveswap::MasterOptions options) {
    const auto made = liveswap::Master::create(std::move(options));
    std::printf("refused: %s\n", made ? "" : made.error().c_str());
  }

  int run_refusals(char** argv) {
    say_refusal({});
    say_refusal({.file = "a.yaml", .target = argv[3]});
    say_refusal({.file = "a.yaml", .target = "", .workers = 3});
    say_refusal({.file = "missing.yaml"});
    say_refusal({.file = "", .target = argv[3], .workers = 4'000'000'000U, .listeners = {"no address"}});
    liveswap::MasterOptions no_launcher = options(argv);
    no_launcher.launcher = "/nonexistent";
    say_refusal(std::move(no_launcher));
    const auto first = liveswap::Master::create(options(argv));
    say("first", first ? 1 : 0);
    say_refusal(options(argv));
    return 0;
  }

  void close_loop() {
    if (!has_loop) return;
    while (uv_run(&loop, UV_RUN_NOWAIT) != 0) {
    }
    say("loop busy", uv_loop_close(&loop) == 0 ? 0 : 1);
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  struct sigaction action {};
  action.sa_handler = on_child;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGCHLD, &action, nullptr);
  ::signal(SIGPIPE, SIG_DFL);

  uv_loop_t first;  // libuv opens a pipe for its first loop, and keeps it
  if (uv_loop_init(&first) != 0 || uv_loop_close(&first) != 0) return 2;
  const pid_t own_child = start_own_child();
  const ProcessState before = ProcessState::now();
  const int open_before = open_descriptors();
  int failed = 0;
  {
    Host host{.mode = argv[2]};
    const bool own = host.mode == "own" || host.mode == "signals" || host.mode == "refusals";
    if (!own) host.has_loop = uv_loop_init(&host.loop) == 0;
    failed = host.mode == "refusals" ? host.run_refusals(argv) : host.run(argv);
    host.master.reset();
    say("untouched", before.is(ProcessState::now()) ? 1 : 0);
    host.close_loop();
    say("events", host.events > 0 ? 1 : 0);
  }
  say("descriptors left", open_descriptors() - open_before);
  int status = 0;
  say("own child", ::waitpid(own_child, &status, 0) == own_child && WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  say("own handler", children_ended > 0 ? 1 : 0);
  say("others to reap", ::waitpid(-1, &status, WNOHANG) == -1 && errno == ECHILD ? 0 : 1);
  return failed;
}
