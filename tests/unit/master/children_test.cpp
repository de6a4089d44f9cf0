// Goal: no child of ours stays a zombie in a process that reaps nothing else, and none of somebody else's is reaped.
// Method: real processes, and no SIGCHLD.
#include "master/children.hpp"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loop/loop.hpp"
#include "master/watched_process.hpp"
#include "os/spawn.hpp"

namespace liveswap::master {
namespace {

os::SpawnedProcess start(const std::string& script) {
  os::SpawnRequest request;
  request.path = "/bin/sh";
  request.argv = {"sh", "-c", script};
  auto process = os::spawn(request);
  REQUIRE(process.has_value());
  return std::move(*process);
}

std::unique_ptr<WatchedProcess> watch(loop::Loop& loop, Children& children, os::SpawnedProcess process,
                                      WatchedProcess::Ended ended) {
  auto watched = WatchedProcess::open(loop, children, process.pid, std::move(process.pidfd), std::move(ended));
  REQUIRE(watched.has_value());
  return std::move(*watched);
}

bool is_reaped(pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) == -1 && errno == ECHILD; }

}  // namespace

TEST_CASE("a process that is waited for is reaped by its pidfd, without a signal") {
  loop::Loop loop;
  Children children(loop);
  auto process = start("exit 3");
  const pid_t pid = process.pid;
  std::optional<os::ExitStatus> status;
  const auto watched = watch(loop, children, std::move(process), [&](const os::ExitStatus& how) { status = how; });
  while (!status) loop.run_once();
  CHECK(*status == os::ExitStatus{os::ExitStatus::Kind::exited, 3, false});
  CHECK(is_reaped(pid));
}

TEST_CASE("a process that nobody waits for any more is reaped when it ends") {
  loop::Loop loop;
  Children children(loop);
  auto process = start("read line");
  const pid_t pid = process.pid;
  auto watched = watch(loop, children, std::move(process), [](const os::ExitStatus&) { FAIL("called"); });
  watched.reset();
  CHECK_FALSE(children.knows(pid));
  ::kill(pid, SIGKILL);
  loop.run();  // until nothing is left to wait for
  CHECK(is_reaped(pid));
}

TEST_CASE("who was killed is reaped at the end, though the loop does not run any more") {
  loop::Loop loop;
  pid_t pid = 0;
  {
    Children children(loop);
    auto process = start("exec cat /dev/zero > /dev/null");
    pid = process.pid;
    auto watched = watch(loop, children, std::move(process), [](const os::ExitStatus&) { FAIL("called"); });
    watched->signal(SIGKILL);
    watched.reset();
  }
  CHECK(is_reaped(pid));
}

TEST_CASE("a handler for CHLD of somebody else's, which interrupts the wait, leaves no child unreaped") {
  struct sigaction handler {};
  struct sigaction before {};
  handler.sa_handler = [](int) {};
  REQUIRE(::sigaction(SIGCHLD, &handler, &before) == 0);
  loop::Loop loop;
  std::vector<pid_t> pids;
  {
    Children children(loop);
    for (int i = 0; i < 5; ++i) {
      auto process = start("exec cat /dev/zero > /dev/null");
      pids.push_back(process.pid);
      REQUIRE(os::pidfd_send_signal(process.pidfd, SIGKILL).has_value());
      children.leave(std::move(process.pidfd));
    }
  }
  for (const pid_t pid : pids) CHECK(is_reaped(pid));
  ::sigaction(SIGCHLD, &before, nullptr);
}

TEST_CASE("a child of somebody else's is not touched") {
  loop::Loop loop;
  Children children(loop);
  const auto theirs = start("exit 7");
  auto ours = start("exit 0");
  bool ended = false;
  const auto watched = watch(loop, children, std::move(ours), [&](const os::ExitStatus&) { ended = true; });
  while (!ended) loop.run_once();
  int status = 0;
  REQUIRE(::waitpid(theirs.pid, &status, 0) == theirs.pid);
  CHECK(WEXITSTATUS(status) == 7);
}

}  // namespace liveswap::master
