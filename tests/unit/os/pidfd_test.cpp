#include "os/pidfd.hpp"

#include <sys/prctl.h>

#include "processes.hpp"

namespace liveswap::os {
using namespace test;
using Kind = ExitStatus::Kind;

TEST_CASE("a child's exit status is told once and reaps it") {
  const Child child("exit 7");
  CHECK(child.wait() == ExitStatus{Kind::exited, 7, false});
  CHECK(::kill(child.pid(), 0) == -1);
  CHECK(errno == ESRCH);
}

TEST_CASE("a child that runs has no exit status") {
  const Pair in = pipe_pair();
  SpawnRequest request = shell("read line");
  request.fds = {{in.a, STDIN_FILENO}};
  const Child child(request);
  CHECK(!must(wait_pidfd(child.pidfd())).has_value());
  CHECK(!must(reap(child.pid())).has_value());
}

TEST_CASE("a signal reaches exactly the process of the pidfd, and is told as its end") {
  const Child child("kill -STOP $$; exit 0");
  must(pidfd_send_signal(child.pidfd(), SIGKILL));
  CHECK(child.wait() == ExitStatus{Kind::signaled, SIGKILL, false});
  CHECK(error_of(pidfd_send_signal(child.pidfd(), SIGTERM)) == "pidfd_send_signal(15): No such process");
}

TEST_CASE("an end that a process of another parent had is unknown or, once it is reaped, its status") {
  // The shell's child is not ours. The shell reaps it and says so before we look.
  Pair out = pipe_pair();
  Pair in = pipe_pair();
  SpawnRequest request =
      shell("exec 3<&0; sh -c 'read go <&3; exit 9' & echo $!; wait $!; echo reaped; read forever");
  request.fds = {{in.a, STDIN_FILENO}, {out.b, STDOUT_FILENO}};
  const Child shell_child(request);
  char line[64] = {};
  REQUIRE(::read(out.a.get(), line, sizeof line - 1) > 0);
  const OwnedFd grandchild = must(pidfd_open(std::atoi(line)));
  CHECK(!must(wait_pidfd(grandchild)).has_value());
  REQUIRE(::write(in.b.get(), "go\n", 3) == 3);
  REQUIRE(::read(out.a.get(), line, sizeof line - 1) > 0);
  CHECK(std::string(line).substr(0, 6) == "reaped");
  CHECK(wait_readable(grandchild));
  const auto status = must(wait_pidfd(grandchild));
  REQUIRE(status.has_value());
  CHECK((status->kind == Kind::unknown || *status == ExitStatus{Kind::exited, 9, false}));
}

TEST_CASE("an ended child is peeked at as often as one likes, until it is reaped") {
  const Child child("exit 3");
  REQUIRE(wait_readable(child.pidfd()));
  CHECK(must(peek_ended_child()) == child.pid());
  CHECK(must(peek_ended_child()) == child.pid());
  CHECK(must(reap(child.pid())) == ExitStatus{Kind::exited, 3, false});
  CHECK(!must(peek_ended_child()).has_value());
  CHECK(!must(reap(child.pid())).has_value());
}

TEST_CASE("a subreaper gets its orphaned descendants") {
  must(set_child_subreaper());
  Pair in = pipe_pair();
  SpawnRequest request = shell("exec 3<&0; sh -c 'read go <&3; exit 5' >/dev/null & echo $!");
  request.fds = {{in.a, STDIN_FILENO}};
  const OwnedFd orphan = must(pidfd_open(std::stoi(output_of(request))));
  CHECK(!must(wait_pidfd(orphan)).has_value());
  REQUIRE(::write(in.b.get(), "go\n", 3) == 3);
  REQUIRE(wait_readable(orphan));
  CHECK(must(wait_pidfd(orphan)) == ExitStatus{Kind::exited, 5, false});
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0) == 0);
}

TEST_CASE("a pid that does not exist is an error with its number") {
  CHECK(error_of(pidfd_open(0x7ffffff0)) == "pidfd_open(2147483632): No such process");
}

TEST_CASE("exit statuses read as sentences") {
  CHECK(ExitStatus{Kind::exited, 1, false}.text() == "exited with status 1");
  CHECK(ExitStatus{Kind::signaled, SIGSEGV, true}.text() == "killed by SIGSEGV (core dumped)");
  CHECK(ExitStatus{Kind::signaled, 40, false}.text() == "killed by signal 40");
  CHECK(ExitStatus{}.text() == "ended");
}

}  // namespace liveswap::os
