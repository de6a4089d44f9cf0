// Goal: a worker's end is told once, exactly, and nothing that it started is forgotten. Method: real programs that
// fork, lose their parents, hand over their main process, and leave orphans.
#include <doctest/doctest.h>

#include <algorithm>
#include <regex>
#include <string>

#include "os/cgroup.hpp"
#include "os/process_tree.hpp"
#include "os/procfs.hpp"
#include "worker_site.hpp"

namespace liveswap::master {
namespace {

using namespace test;

constexpr const char* kWait = "signal.pause()\n";

// A process that has nothing to do with its worker any more: own session, lost parents.
constexpr const char* kLeaveBehind =
    "r, w = os.pipe()\n"
    "if os.fork() == 0:\n"
    "  os.setsid()\n"
    "  if os.fork() == 0:\n"
    "    say('STATUS=%d' % os.getpid())\n"
    "    os.close(w)\n"
    "    signal.pause()\n"
    "  os._exit(0)\n"
    "os.wait(); os.close(w); os.read(r, 1)\n";

bool lives(pid_t pid) {
  const auto stat = os::read_process_stat(pid);
  return stat && stat->state != 'Z';
}

pid_t pid_in_status(const Site& site, core::WorkerId worker) {
  return static_cast<pid_t>(std::stol("0" + site.workers->facts(worker).status));
}

// To be held for as long as a reader may still come.
[[nodiscard]] os::OwnedFd write_line(const std::string& fifo) {
  os::OwnedFd fd{os::adopt, ::open(fifo.c_str(), O_RDWR | O_CLOEXEC)};
  REQUIRE(fd);
  REQUIRE(::write(fd.get(), "x\n", 2) == 2);
  return fd;
}

std::size_t zombies() {
  std::size_t count = 0;
  for (const pid_t pid : must(os::children_of(::getpid()))) {
    const auto stat = os::read_process_stat(pid);
    if (stat && stat->state == 'Z') ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("processes left behind are told of, signalled, and their end is told") {
  Site site;
  const auto worker = site.spawn(python(std::string(kLeaveBehind) + kWait));
  site.run_until([&] { return pid_in_status(site, worker) > 0; });
  const pid_t left = pid_in_status(site, worker);
  site.workers->signal({worker, SIGTERM, false});
  site.run_until_event("exited 1: killed by SIGTERM, left others");
  CHECK(lives(left));
  site.run_for(3ms);
  CHECK(site.events.back().starts_with("exited"));
  site.workers->signal({worker, SIGTERM, true});
  site.run_until_event("gone 1");
  CHECK_FALSE(lives(left));
  CHECK(site.events.size() == 3);
}

TEST_CASE("processes left behind may end by themselves") {
  Site site;
  core::AppPlan plan = shell("mkfifo a; (setsid sh -c 'read x < a' &) ; exit 4");
  plan.cwd = site.folder.path();
  site.spawn(plan);
  site.run_until_event("exited 1: exit status 4, left others");
  const os::OwnedFd a = write_line(site.folder.path("a"));
  site.run_until_event("gone 1");
  CHECK(site.events == Lines{"launched 1", "exited 1: exit status 4, left others", "gone 1"});
}

TEST_CASE("what processes left behind have started meanwhile counts too") {
  Site site;
  core::AppPlan plan = shell(
      "mkfifo a b\n"
      "(setsid sh -c 'read x < a; (read x < b) & exit 0' &)\n"
      "exit 0\n");
  plan.cwd = site.folder.path();
  site.spawn(plan);
  site.run_until_event("exited 1: exit status 0, left others");
  const os::OwnedFd a = write_line(site.folder.path("a"));
  site.run_for(20ms);
  CHECK(site.events.back() == "exited 1: exit status 0, left others");
  const os::OwnedFd b = write_line(site.folder.path("b"));
  site.run_until_event("gone 1");
}

TEST_CASE("the whole tree of a living worker is killed with it") {
  Site site;
  const auto worker = site.spawn(python(std::string(kLeaveBehind) + kWait));
  site.run_until([&] { return pid_in_status(site, worker) > 0; });
  const pid_t left = pid_in_status(site, worker);
  site.workers->signal({worker, SIGKILL, true});
  site.run_until_ended();
  site.run_until([&] { return !lives(left); });
  CHECK(site.events[1].starts_with("exited 1: killed by SIGKILL"));
}

TEST_CASE("another worker's processes are left alone") {
  Site site;
  const auto release = site.release(python(std::string(kLeaveBehind) + kWait));
  const auto first = site.spawn(release, 0);
  const auto second = site.spawn(release, 1);
  site.run_until([&] { return pid_in_status(site, first) > 0 && pid_in_status(site, second) > 0; });
  const pid_t left = pid_in_status(site, second);
  site.workers->signal({first, SIGKILL, true});
  site.run_until([&] { return site.pid(first) == 0; });
  CHECK(lives(left));
  CHECK(site.pid(second) > 0);
}

TEST_CASE("last lines of processes left behind are not lost") {
  Site site;
  site.spawn(shell("(setsid sh -c 'sleep 0.02; echo after >&2' &) ; echo before >&2; exit 0"));
  site.run_until_event("gone 1");
  site.run_until([&] { return site.err_text == "web/0 g3 | before\nweb/0 g3 | after\n"; });
}

TEST_CASE("MAINPID hands the worker over to a child, and the end of the old main process is no end") {
  Site site;
  const auto worker = site.spawn(
      python("before = os.getpid()\n"
             "pid = os.fork()\n"
             "if pid == 0:\n"
             "  while os.getppid() == before: time.sleep(0.001)\n"
             "  signal.signal(signal.SIGTERM, lambda *a: os._exit(9))\n"
             "  say('STATUS=%d' % os.getpid())\n"
             "  say('READY=1')\n"
             "  signal.pause()\n"
             "say('MAINPID=%d' % pid)\n"
             "os._exit(0)\n"));
  site.run_until_event("ready 1");
  CHECK(site.events == Lines{"launched 1", "ready 1"});
  CHECK(site.pid(worker) == pid_in_status(site, worker));
  site.workers->ask_drain({worker, 5s});
  site.run_until_ended();
  CHECK(site.events == Lines{"launched 1", "ready 1", "exited 1: exit status 9"});
}

TEST_CASE("after MAINPID the old main process may stay, and is ended with the worker") {
  Site site;
  const auto worker = site.spawn(
      python("pid = os.fork()\n"
             "if pid == 0: signal.pause()\n"
             "say('MAINPID=%d' % pid)\n"
             "say('STATUS=%d' % os.getpid())\n" +
             std::string(kWait)));
  site.run_until([&] { return pid_in_status(site, worker) > 0; });
  const pid_t old = pid_in_status(site, worker);
  CHECK(site.pid(worker) != old);
  site.workers->signal({worker, SIGTERM, false});
  site.run_until([&] { return site.events.size() == 2; });
  CHECK(site.events[1].ends_with(", left others"));
  CHECK(lives(old));
  site.workers->signal({worker, SIGKILL, true});
  site.run_until_event("gone 1");
  CHECK_FALSE(lives(old));
}

TEST_CASE("MAINPID of a stranger is not believed") {
  Site site;
  const auto worker = site.spawn(python("say('MAINPID=%d' % os.getppid())\nsay('STATUS=x')\n" + std::string(kWait)));
  site.run_until([&] { return site.workers->facts(worker).status == "x"; });
  CHECK(site.logged == Lines{"liveswap: warning: web/0 g3: MAINPID=" + std::to_string(::getpid()) +
                             " is no living process of this worker: ignored"});
}

TEST_CASE("a readiness delay makes a worker ready when it is over") {
  Site site;
  core::AppPlan plan = python("say('READY=1'); say('STATUS=x')\n" + std::string(kWait));
  plan.ready = {.when = core::ReadyWhen::delay, .delay = 60ms};
  const auto begun = site.loop.now();
  const auto worker = site.spawn(plan);
  site.run_until([&] { return site.workers->facts(worker).status == "x"; });
  site.run_until_event("ready 1");
  CHECK(site.loop.now() - begun >= 60ms);
  CHECK(site.events == Lines{"launched 1", "ready 1"});
}

TEST_CASE("a worker that ends within its readiness delay is not ready") {
  Site site;
  core::AppPlan plan = shell("exit 5");
  plan.ready = {.when = core::ReadyWhen::delay, .delay = 20ms};
  site.spawn(plan);
  site.run_until_ended();
  site.run_for(30ms);
  CHECK(site.events == Lines{"launched 1", "exited 1: exit status 5"});
}

TEST_CASE("a readiness command runs as its worker does, until it succeeds, one at a time") {
  Site site;
  site.folder.write("check.sh",
                    "#!/bin/sh\n"
                    "echo \"try in $(pwd) of $LIVESWAP_APP/$LIVESWAP_SLOT $WHO fds $(ls /proc/self/fd | wc -l)\"\n"
                    "[ -e running ] && echo overlap\n"
                    "touch running; sleep 0.01; rm running\n"
                    "echo x >> tries\n"
                    "[ \"$(wc -l < tries)\" -ge 3 ]\n");
  core::AppPlan plan = shell("exec sleep 1000");
  plan.cwd = site.folder.path();
  plan.env.emplace_back("WHO", "me");
  plan.ready = {.when = core::ReadyWhen::command, .interval = 1ms, .command = {"./check.sh"}};
  site.spawn(plan, 1);
  site.run_until_event("ready 1");
  site.run_for(30ms);
  const std::string line = "web/1 g3 | try in " + site.folder.path() + " of web/1 me fds 4\n";
  CHECK(site.out_text == line + line + line);
}

TEST_CASE("a readiness command that cannot be executed is told among the worker's lines, once") {
  Site site;
  core::AppPlan plan = shell("exec sleep 1000");
  plan.ready = {.when = core::ReadyWhen::command, .interval = 1ms, .command = {"/nowhere/ok.sh"}};
  const auto worker = site.spawn(plan);
  site.run_until([&] { return !site.err_text.empty(); });
  site.run_for(20ms);
  site.kill(worker);
  site.run_until_ended();
  const std::string line = "liveswap: ready command: exec /nowhere/ok.sh: No such file or directory";
  CHECK(site.err_text == "web/0 g3 | " + line + "\n");
  for (const core::Event& event : site.raw_events) {
    if (const auto* exited = std::get_if<core::WorkerExited>(&event)) CHECK(exited->last_lines == Lines{line});
  }
  CHECK(std::ranges::count(site.events, "ready 1") == 0);
}

TEST_CASE("a readiness command that still runs is killed with its worker") {
  Site site;
  core::AppPlan plan = shell("exec sleep 1000");
  plan.ready = {.when = core::ReadyWhen::command,
                .interval = 1ms,
                .command = {"/bin/sh", "-c", verbatim("echo $$; sleep 1000")}};
  const auto worker = site.spawn(plan);
  site.run_until([&] { return !site.out_text.empty(); });
  const auto check = static_cast<pid_t>(std::stol(site.out_text.substr(site.out_text.find("| ") + 2)));
  CHECK(lives(check));
  site.workers->signal({worker, SIGTERM, false});
  site.run_until_ended();
  site.run_until([&] { return !lives(check); });
  CHECK(std::ranges::count(site.events, "ready 1") == 0);
}

TEST_CASE("with a cgroup of its own nobody escapes a worker's end") {
  const auto own = os::own_cgroup();
  if (!own || !os::check_cgroup_is_ours(*own, os::runs_under_systemd())) {
    MESSAGE("skipped: cgroups are not ours here");
    return;
  }
  Site site;
  WorkerSetup setup = site.setup(site.folder.path());
  setup.cgroup_parent = *own;
  site.workers = std::make_unique<Workers>(std::move(setup));
  const auto count = [&] {
    std::ptrdiff_t found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(*own)) {
      found += entry.path().filename().string().starts_with("liveswap-") && entry.is_directory() &&
               !entry.path().filename().string().starts_with("liveswap-test") ? 1 : 0;
    }
    return found;
  };
  const auto before = count();
  core::AppPlan plan = shell(
      "(env -i setsid sh -c 'echo $$; exec sleep 1000' &) ; cat /proc/self/cgroup | grep ^0; exec sleep "
      "1000");
  plan.ready = {.when = core::ReadyWhen::command,
                .interval = 1ms,
                .command = {"/bin/grep", "liveswap-", "/proc/self/cgroup"}};
  const auto worker = site.spawn(plan);
  site.run_until_event("ready 1");
  site.run_until([&] { return std::ranges::count(site.out_text, '\n') == 3; });
  CHECK(count() == before + 1);
  std::smatch match;
  REQUIRE(std::regex_search(site.out_text, match, std::regex("\\| (\\d+)\n")));
  const auto escaped = static_cast<pid_t>(std::stol(match[1]));
  CHECK(lives(escaped));
  site.workers->signal({worker, SIGTERM, false});
  site.run_until_event("exited 1: killed by SIGTERM, left others");
  site.workers->signal({worker, SIGKILL, true});
  site.run_until_event("gone 1");
  CHECK_FALSE(lives(escaped));
  site.run_until([&] { return count() == before; });
}

TEST_CASE("orphans are reaped, however many, and no worker's end is missed") {
  Site site;
  const auto worker = site.spawn(
      python("for i in range(600):\n"
             "  pid = os.fork()\n"
             "  if pid == 0:\n"
             "    if os.fork() == 0: os._exit(0)\n"
             "    os._exit(0)\n"
             "  os.waitpid(pid, 0)\n"
             "sys.exit(3)\n"));
  (void)worker;
  site.run_until([&] {
    return std::ranges::any_of(site.events, [](auto& e) { return e.starts_with("exited 1: exit status 3"); });
  });
  site.run_until([&] { return zombies() == 0; });
}

TEST_CASE("signals go to an app's workers") {
  Site site;
  const auto release = site.release(python("signal.signal(signal.SIGUSR1, lambda *a: print('got it', flush=True))\n"
                                           "say('READY=1')\nwhile True: signal.pause()\n"));
  site.spawn(release, 0);
  site.spawn(release, 1);
  site.run_until([&] { return site.events.size() == 4; });
  CHECK(site.workers->signal_app(core::AppId{1}, SIGUSR1) == 2);
  CHECK(site.workers->signal_app(core::AppId{2}, SIGUSR1) == 0);
  site.run_until([&] {
    return site.out_text.find("web/0 g3 | got it\n") != std::string::npos &&
           site.out_text.find("web/1 g3 | got it\n") != std::string::npos;
  });
}

TEST_CASE("orders for a worker that has gone are ignored") {
  Site site;
  const auto worker = site.spawn(shell("exit 0"));
  site.run_until_ended();
  site.run_for(1ms);
  site.workers->ask_drain({worker, 1s});
  site.workers->signal({worker, SIGKILL, true});
  CHECK(site.workers->facts(worker).pid == 0);
}

}  // namespace liveswap::master
