// liveswap-launch, both builds of it, with a program that tells what it finds itself in.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "launching.hpp"

namespace {

using namespace liveswap;
using launch::test::Facts;
using launch::test::Launching;
using launch::test::named_memory;
using launch::test::open_directory;
using launch::test::TemporaryDirectory;
using os::FdRef;

#define WITH_EACH_LAUNCHER(launcher)                     \
  for (const auto& launcher : launch::test::launchers()) \
    if (CAPTURE(launcher); true)

wire::LaunchPlan probe_plan() {
  wire::LaunchPlan plan;
  plan.program = launch::test::probe_program();
  plan.arguments = {"probe"};
  return plan;
}

bool is_root() { return ::geteuid() == 0; }

TEST_CASE("launch: the program has its arguments, its environment, its directory, and leads its session") {
  const TemporaryDirectory directory;
  const os::OwnedFd cwd = open_directory(directory.path());
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    wire::LaunchPlan plan = probe_plan();
    plan.arguments = {"web", "", "a b", "--x=${y}"};
    plan.variables = {"A=b=c", "EMPTY=", "LISTEN_PID=1"};
    plan.pid_variables = {"LISTEN_PID", "WATCHDOG_PID"};
    plan.directory = 0;
    plan.directory_text = directory.path();
    plan.umask = 027;
    launching.send(plan, std::array{FdRef{cwd}});
    CHECK(launching.next() == "EXECUTING");
    CHECK(launching.next() == "closed");
    const Facts facts = launching.output();
    CHECK(launching.exit_status() == 0);
    CHECK(facts.of("argument 0") == "web");
    CHECK(facts.of("argument 1") == "");
    CHECK(facts.of("argument 2") == "a b");
    CHECK(facts.of("argument 3") == "--x=${y}");
    CHECK(facts.of("argument 4") == "(none)");
    CHECK(facts.of("variable A") == "b=c");
    CHECK(facts.of("variable EMPTY") == "");
    CHECK(facts.all.count("variable LISTEN_PID") == 1);
    CHECK(facts.of("variable LISTEN_PID") == std::to_string(launching.pid()));
    CHECK(facts.of("variable WATCHDOG_PID") == std::to_string(launching.pid()));
    CHECK(facts.of("variable PATH") == "(none)");
    CHECK(facts.of("pid") == std::to_string(launching.pid()));
    CHECK(facts.of("cwd") == directory.path());
    CHECK(facts.of("umask") == "027");
    CHECK(facts.of("leads session") == "1");
    CHECK(facts.of("leads group") == "1");
    CHECK(facts.descriptors() == "");
  }
}

TEST_CASE("launch: without a new session the program stays in the master's") {
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    wire::LaunchPlan plan = probe_plan();
    plan.new_session = false;
    launching.send(plan, {});
    CHECK(launching.output().of("leads session") == "0");
  }
}

TEST_CASE("launch: descriptors get their numbers, however these cross over with those they arrive at") {
  std::vector<os::OwnedFd> memory;
  for (const char* name : {"a", "b", "c", "d"}) memory.push_back(named_memory(name));
  const std::vector<FdRef> sent(memory.begin(), memory.end());
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    wire::LaunchPlan plan = probe_plan();
    // They arrive at 5, 6, 7 and 8, behind the channel and the plan.
    plan.placements = {{.source = 3, .target = 3},
                       {.source = 2, .target = 5},
                       {.source = 0, .target = 6},
                       {.source = 0, .target = 9},
                       {.source = 1, .target = 0}};
    launching.send(plan, sent);
    const Facts facts = launching.output();
    CHECK(facts.of("fd 0") == "/memfd:b (deleted)");
    CHECK(facts.descriptors() ==
          "3=/memfd:d (deleted) 5=/memfd:c (deleted) 6=/memfd:a (deleted) 9=/memfd:a (deleted)");
  }
}

TEST_CASE("launch: hundreds of descriptors arrive in several packets, whatever the soft limit is") {
  const os::OwnedFd memory = named_memory("many");
  const std::vector<FdRef> sent(600, FdRef{memory});
  const auto lower_soft_limit = [] {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 100;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  };
  rlimit own{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &own) == 0);
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher, lower_soft_limit};
    wire::LaunchPlan plan = probe_plan();
    for (std::uint32_t i = 0; i < 600; ++i) plan.placements.push_back({.source = i, .target = 3 + i});
    launching.send(plan, sent);
    const Facts facts = launching.output();
    std::string expected = "3=/memfd:many (deleted)";
    for (int number = 4; number < 603; ++number)
      expected += " " + std::to_string(number) + "=/memfd:many (deleted)";
    CHECK(facts.descriptors() == expected);
    CHECK(facts.of("nofile") == "100:" + std::to_string(own.rlim_max));
  }
}

TEST_CASE("launch: a native program keeps the channel, and no other descriptor of it") {
  const os::OwnedFd memory = named_memory("listener");
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    wire::LaunchPlan plan = probe_plan();
    plan.placements = {{.source = 0, .target = 3}};
    plan.channel_target = 4;
    launching.send(plan, std::array{FdRef{memory}});
    CHECK(launching.next() == "EXECUTING");
    const std::string descriptors = launching.output().descriptors();
    CHECK(descriptors.starts_with("3=/memfd:listener (deleted) 4=socket:["));
    CHECK(std::ranges::count(descriptors, '=') == 2);
  }
}

TEST_CASE("launch: what the master leaks does not reach the program") {
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher, [] {
                          for (const int number : {5, 17, 200}) ::dup2(1, number);
                        }};
    wire::LaunchPlan plan = probe_plan();
    const os::OwnedFd memory = named_memory("m");
    plan.placements = {{.source = 0, .target = 7}};
    launching.send(plan, std::array{FdRef{memory}});
    CHECK(launching.output().descriptors() == "7=/memfd:m (deleted)");
  }
}

TEST_CASE("launch: signals are at their defaults, and none is blocked") {
  const auto spoil_signals = [] {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    for (int signal = 1; signal < SIGRTMAX; ++signal) ::signal(signal, SIG_IGN);
  };
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher, spoil_signals};
    launching.send(probe_plan(), {});
    const Facts facts = launching.output();
    CHECK(facts.of("SigBlk") == "0000000000000000");
    CHECK(facts.of("SigIgn") == "0000000000000000");
    CHECK(facts.of("SigCgt") == "0000000000000000");
  }
}

TEST_CASE("launch: limits, the cgroup and the out-of-memory score are set") {
  WITH_EACH_LAUNCHER(launcher) {
    const os::OwnedFd procs = named_memory("cgroup.procs");
    Launching launching{launcher};
    wire::LaunchPlan plan = probe_plan();
    plan.limits = {{.resource = RLIMIT_NOFILE, .soft = 50, .hard = 60},
                   {.resource = RLIMIT_CORE, .soft = 0, .hard = 4096}};
    plan.cgroup = 0;
    plan.oom_score_adj = 500;
    plan.placements = {{.source = 0, .target = 70}};
    launching.send(plan, std::array{FdRef{procs}});
    const Facts facts = launching.output();
    CHECK(facts.of("nofile") == "50:60");
    CHECK(facts.of("core") == "0:4096");
    CHECK(facts.of("oom") == "500");
    CHECK(facts.descriptors() == "70=/memfd:cgroup.procs (deleted)");
    char written[4] = {};
    CHECK(::pread(procs.get(), written, sizeof written, 0) == 1);
    CHECK(written[0] == '0');
  }
}

TEST_CASE("launch: another user is that user alone: groups, no capability, no way back") {
  if (!is_root()) return;  // only root can become another user
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    wire::LaunchPlan plan = probe_plan();
    plan.program = "/proc/self/fd/9";  // the build tree need not be open to that user
    const os::OwnedFd program{os::adopt, ::open(launch::test::probe_program().c_str(), O_PATH | O_CLOEXEC)};
    plan.placements = {{.source = 0, .target = 9}};
    plan.identity = wire::Identity{.uid = 65534, .gid = 65533, .groups = {100, 200}};
    launching.send(plan, std::array{FdRef{program}});
    CHECK(launching.next() == "EXECUTING");
    const Facts facts = launching.output();
    CHECK(facts.of("uid") == "65534");
    CHECK(facts.of("gid") == "65533");
    CHECK(facts.of("groups") == "100,200");
    CHECK(facts.of("CapPrm") == "0000000000000000");
    CHECK(facts.of("CapEff") == "0000000000000000");
    CHECK(facts.of("CapAmb") == "0000000000000000");
  }
}

TEST_CASE("launch: two megabytes of environment are executed from where they lie") {
  WITH_EACH_LAUNCHER(launcher) {
    Launching launching{launcher};
    wire::LaunchPlan plan = probe_plan();
    for (int i = 0; i < 16; ++i)
      plan.variables.push_back("V" + std::to_string(i) + "=" + std::string(120000, 'x'));
    launching.send(plan, {});
    const Facts facts = launching.output();
    CHECK(facts.of("variable V0").size() == 120000);
    CHECK(facts.of("variable V15").size() == 120000);
  }
}

TEST_CASE("launch: a program without a slash is looked for in the PATH of its own environment") {
  const TemporaryDirectory directory;
  const std::string probe = launch::test::probe_program();
  REQUIRE(::symlink(probe.c_str(), (directory.path() + "/tool").c_str()) == 0);
  static_cast<void>(directory.write("plain", "no program", 0644));
  const os::OwnedFd cwd = open_directory(directory.path());
  const auto run = [&](const std::string& launcher, const std::string& program, const std::string& path) {
    Launching launching{launcher};
    wire::LaunchPlan plan = probe_plan();
    plan.program = program;
    plan.variables = {"PATH=" + path};
    plan.directory = 0;
    launching.send(plan, std::array{FdRef{cwd}});
    CHECK(launching.next() == "EXECUTING");
    return launching.next();
  };
  WITH_EACH_LAUNCHER(launcher) {
    CHECK(run(launcher, "tool", "/nonexistent:" + directory.path()) == "closed");
    CHECK(run(launcher, "tool", "/nonexistent:") == "closed");  // an empty part is the working directory
    CHECK(run(launcher, "tool", "/nonexistent:/") ==
          "FAILED exec tool (in no directory of PATH): No such file or directory");
    CHECK(run(launcher, "plain", directory.path() + ":/nonexistent") ==
          "FAILED exec " + directory.path() + "/plain (in no other directory of PATH): Permission denied");
    CHECK(run(launcher, "./tool", "/nonexistent") == "closed");
  }
}

std::string failure_of(const std::string& launcher, wire::LaunchPlan plan,
                       std::span<const FdRef> descriptors = {}) {
  Launching launching{launcher};
  launching.send(std::move(plan), descriptors);
  std::string answer = launching.next();
  if (answer == "EXECUTING") answer = launching.next();
  CHECK(launching.next() == "closed");
  CHECK(launching.exit_status() == 127);
  return answer;
}

TEST_CASE("launch: a program that cannot be executed is told with the reason") {
  const TemporaryDirectory directory;
  const auto fails = [&](const std::string& launcher, const std::string& program) {
    wire::LaunchPlan plan = probe_plan();
    plan.program = program;
    plan.directory = 0;
    const os::OwnedFd cwd = open_directory(directory.path());
    return failure_of(launcher, plan, std::array{FdRef{cwd}});
  };
  static_cast<void>(directory.write("script", "echo hello\n", 0755));
  static_cast<void>(directory.write("lost", "#! /nonexistent/python -u\nprint()\n", 0755));
  static_cast<void>(directory.write("empty", "", 0755));
  static_cast<void>(directory.write("plain", "#!/bin/sh\n", 0644));
  WITH_EACH_LAUNCHER(launcher) {
    CHECK(fails(launcher, "./server") == "FAILED exec ./server: No such file or directory");
    CHECK(fails(launcher, "./script") ==
          "FAILED exec ./script (no program, and no #! line): Exec format error");
    CHECK(fails(launcher, "./empty") ==
          "FAILED exec ./empty (no program, and no #! line): Exec format error");
    CHECK(fails(launcher, "./lost") ==
          "FAILED exec ./lost (its interpreter /nonexistent/python): No such file or directory");
    CHECK(fails(launcher, "./plain") == "FAILED exec ./plain: Permission denied");
    CHECK(fails(launcher, "/") == "FAILED exec /: Permission denied");
  }
}

TEST_CASE("launch: a step that fails is told with its object") {
  const TemporaryDirectory directory;
  const os::OwnedFd file{os::adopt, ::open(directory.write("file", "x", 0600).c_str(), O_RDONLY | O_CLOEXEC)};
  WITH_EACH_LAUNCHER(launcher) {
    wire::LaunchPlan plan = probe_plan();
    plan.directory = 0;
    plan.directory_text = "/srv/x";
    CHECK(failure_of(launcher, plan, std::array{FdRef{file}}) == "FAILED chdir /srv/x: Not a directory");

    plan = probe_plan();
    plan.cgroup = 0;
    CHECK(failure_of(launcher, plan, std::array{FdRef{file}}) ==
          "FAILED join cgroup " + directory.path() + "/file: Bad file descriptor");

    plan = probe_plan();
    plan.limits = {{.resource = RLIMIT_NOFILE}};  // above fs.nr_open: even root may not
    CHECK(failure_of(launcher, plan) == "FAILED setrlimit nofile: Operation not permitted");

    if (is_root()) continue;
    plan = probe_plan();
    plan.identity = wire::Identity{.uid = 0, .gid = 0, .groups = {}};
    CHECK(failure_of(launcher, plan) == "FAILED setgroups 0: Operation not permitted");
  }
}

TEST_CASE("launch: a directory that the app's user may not enter is refused as that user") {
  if (!is_root()) return;              // only root can become another user
  const TemporaryDirectory directory;  // 0700
  const os::OwnedFd cwd = open_directory(directory.path());
  WITH_EACH_LAUNCHER(launcher) {
    wire::LaunchPlan plan = probe_plan();
    plan.directory = 0;
    plan.directory_text = directory.path();
    plan.identity = wire::Identity{.uid = 65534, .gid = 65534, .groups = {}};
    CHECK(failure_of(launcher, plan, std::array{FdRef{cwd}}) ==
          "FAILED chdir " + directory.path() + ": Permission denied");
  }
}

TEST_CASE("launch: a master that goes away or sends nonsense leaves no program running") {
  WITH_EACH_LAUNCHER(launcher) {
    {
      Launching launching{launcher};
      launching.close_channel();
      CHECK(launching.exit_status() == 127);
    }
    {
      Launching launching{launcher};
      launching.send_go();
      CHECK(launching.next() == "FAILED receive launch plan GO came before the plan: Protocol error");
      CHECK(launching.exit_status() == 127);
    }
    {
      Launching launching{launcher};
      const std::array<std::byte, 100> zeros{};
      launching.send_plan_bytes(zeros);
      launching.send_go();
      CHECK(launching.next() == "FAILED receive launch plan this is no launch plan: Protocol error");
    }
    {
      Launching launching{launcher};
      const std::array<std::byte, 100> zeros{};
      launching.send_plan_bytes(zeros, false);
      launching.send_go();
      CHECK(launching.next() ==
            "FAILED receive launch plan the plan is no sealed memory file: Protocol error");
    }
    {
      Launching launching{launcher};
      wire::LaunchPlan plan = probe_plan();
      plan.descriptors = 1;
      launching.send_plan_bytes(wire::encode(plan).value());
      launching.send_go();
      CHECK(launching.next() ==
            "FAILED receive launch plan other descriptors came than the plan counts: Protocol error");
    }
    {
      Launching launching{launcher};
      REQUIRE(::send(launching.channel().get(), "nonsense!", 9, MSG_NOSIGNAL) == 9);
      CHECK(launching.next() ==
            "FAILED receive launch plan the packet is of another major version: Protocol error");
    }
  }
}

}  // namespace
