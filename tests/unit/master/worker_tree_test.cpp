// Goal: every process that a worker started is found, and none of anybody else's. Method: real processes that fork,
// lose their parents, leave their session and lose their environment; this test is their subreaper.
#include "master/worker_tree.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "os/pidfd.hpp"
#include "os/spawn.hpp"

namespace liveswap::master {
namespace {

// A shell in a session of its own, with the mark of worker "m:1". It writes a line for each process that it
// has started: the tests wait for those.
class Shell {
 public:
  explicit Shell(const std::string& script) {
    REQUIRE(os::set_child_subreaper().has_value());
    std::array<int, 2> fds{};
    REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
    said_ = os::OwnedFd{os::adopt, fds[0]};
    const os::OwnedFd write{os::adopt, fds[1]};
    os::SpawnRequest request;
    request.path = "/usr/bin/python3";
    request.argv = {"python3", "-c", "import os, sys; os.setsid(); os.execvp('sh', ['sh', '-c', sys.argv[1]])", script};
    request.environment = {"PATH=/usr/bin:/bin", "LIVESWAP_WORKER=m:1"};
    request.fds = {{write, STDOUT_FILENO}};
    auto spawned = os::spawn(request);
    if (!spawned) FAIL(spawned.error().message());
    process_ = std::move(*spawned);
  }
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;
  ~Shell() {
    (void)os::pidfd_send_signal(process_.pidfd, SIGKILL);
    (void)::waitpid(process_.pid, nullptr, 0);  // its children are this process's from now on
    for (pid_t ended = 0; ended >= 0; ended = ::waitpid(-1, nullptr, WNOHANG)) {
      if (ended > 0) continue;
      signal_members({{}, process_.pid, "m:1"}, nobody, SIGKILL);  // one may just have been started
      ::sched_yield();
    }
  }

  static bool nobody(pid_t) { return false; }

  [[nodiscard]] pid_t pid() const { return process_.pid; }
  [[nodiscard]] WorkerTree tree() const { return {{process_.pid}, process_.pid, "m:1"}; }

  // The next line that the script writes: a pid.
  [[nodiscard]] pid_t next_pid() const {
    std::string line;
    for (char c = 0; ::read(said_.get(), &c, 1) == 1 && c != '\n';) line += c;
    REQUIRE_FALSE(line.empty());
    return static_cast<pid_t>(std::stol(line));
  }
  void wait_for_end() const { REQUIRE(::waitpid(process_.pid, nullptr, 0) == process_.pid); }

 private:
  os::SpawnedProcess process_;
  os::OwnedFd said_;
};

std::set<pid_t> pids(const std::vector<TreeMember>& members) {
  std::set<pid_t> found;
  for (const TreeMember& member : members) found.insert(member.pid);
  return found;
}

std::set<pid_t> found_of(const Shell& shell) { return pids(find_members(shell.tree(), Shell::nobody)); }

// A process that has just told its pid may still have the parent that is about to end.
bool becomes(const WorkerTree& tree, const std::set<pid_t>& expected) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (pids(find_members(tree, Shell::nobody)) != expected) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    ::sched_yield();
  }
  return true;
}

constexpr const char* kSleeper = "exec sleep 1000";

std::string sleeper(const std::string& prefix = "") { return prefix + " sh -c 'echo $$; exec sleep 1000' & "; }

}  // namespace

TEST_CASE("a worker without children has no members") {
  const Shell shell(std::string("echo $$; ") + kSleeper);
  CHECK(shell.next_pid() == shell.pid());
  CHECK(found_of(shell).empty());
}

TEST_CASE("children and grandchildren are members, and the root is not") {
  const Shell shell("sh -c 'echo $$; sh -c \"echo \\$\\$; exec sleep 1000\" & wait' & wait");
  const pid_t child = shell.next_pid();
  const pid_t grandchild = shell.next_pid();
  CHECK(found_of(shell) == std::set<pid_t>{child, grandchild});
}

TEST_CASE("a process that lost its parents and left the session is known by its environment") {
  const Shell shell("(" + sleeper("setsid") + ") ; wait");
  const pid_t orphan = shell.next_pid();
  CHECK(becomes(shell.tree(), {orphan}));
}

TEST_CASE("a process that lost its parents and its environment is known by its session") {
  const Shell shell("(" + sleeper("env -i PATH=$PATH") + ") ; exit 0");
  const pid_t orphan = shell.next_pid();
  shell.wait_for_end();
  const WorkerTree ended{{}, shell.pid(), "m:1"};
  CHECK(becomes(ended, {orphan}));
}

TEST_CASE("children of an orphan are members whatever their session and environment") {
  const Shell shell("(setsid sh -c 'echo $$; env -i setsid sh -c \"echo \\$\\$; exec sleep 1000\" & wait' &) ; exit 0");
  const pid_t orphan = shell.next_pid();
  const pid_t below = shell.next_pid();
  shell.wait_for_end();
  const WorkerTree ended{{}, shell.pid(), "m:1"};
  CHECK(becomes(ended, {orphan, below}));
}

TEST_CASE("an orphan with another worker's mark is not taken, even in this session") {
  const Shell shell("(" + sleeper("LIVESWAP_WORKER=m:2") + ") ; exit 0");
  const pid_t orphan = shell.next_pid();
  shell.wait_for_end();
  const WorkerTree ended{{}, shell.pid(), "m:1"};
  CHECK(becomes({{}, 0, "m:2"}, {orphan}));
  CHECK(find_members(ended, Shell::nobody).empty());
  REQUIRE(::kill(orphan, SIGKILL) == 0);
}

TEST_CASE("known children of the master are no orphans") {
  const Shell shell("(" + sleeper() + ") ; wait");
  const pid_t orphan = shell.next_pid();
  CHECK(becomes(shell.tree(), {orphan}));
  CHECK(find_members(shell.tree(), [&](pid_t pid) { return pid == orphan || pid == shell.pid(); }).empty());
}

TEST_CASE("a process that has ended but is not reaped is no member") {
  const Shell shell("echo $$; sh -c 'echo $$; exit 0' & exec sleep 1000");
  CHECK(shell.next_pid() == shell.pid());
  const pid_t child = shell.next_pid();
  auto pidfd = os::pidfd_open(child);
  REQUIRE(pidfd.has_value());
  pollfd poll_fd{pidfd->get(), POLLIN, 0};
  REQUIRE(::poll(&poll_fd, 1, 10'000) == 1);
  CHECK(found_of(shell).empty());
}

TEST_CASE("a signal reaches everybody in the tree once") {
  const std::string counter = "trap 'echo 1' TERM; echo $$; while :; do sleep 1000 & wait $!; done";
  const Shell shell("(setsid sh -c \"" + counter + "\" &); wait");
  (void)shell.next_pid();
  signal_members(shell.tree(), Shell::nobody, SIGTERM);
  CHECK(shell.next_pid() == 1);
}

TEST_CASE("a tree that goes on forking is killed to the last") {
  const Shell shell("(setsid sh -c 'echo $$; while :; do sleep 0.001 & sleep 0.001; done' &); exit 0");
  (void)shell.next_pid();
  shell.wait_for_end();
  const WorkerTree ended{{}, shell.pid(), "m:1"};
  signal_members(ended, Shell::nobody, SIGKILL);
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  CHECK(find_members(ended, Shell::nobody).empty());
}

}  // namespace liveswap::master
