#include "os/procfs.hpp"

#include <sys/prctl.h>

#include "processes.hpp"

namespace liveswap::os {
using namespace test;

TEST_CASE("a stat line is read field by field") {
  const auto stat = parse_process_stat(
      "812 (nginx) S 1 810 809 0 -1 4194624 1 2 3 4 5 6 7 8 20 0 1 0 123456789 57655296 345 1844674 1 1");
  REQUIRE(stat.has_value());
  CHECK(stat->pid == 812);
  CHECK(stat->comm == "nginx");
  CHECK(stat->state == 'S');
  CHECK(stat->ppid == 1);
  CHECK(stat->process_group == 810);
  CHECK(stat->session == 809);
  CHECK(stat->start_time == 123456789);
}

TEST_CASE("a program's name may look like the fields behind it") {
  const auto stat = parse_process_stat(
      "9 (a) R 5 (b) Z 7 7 7 0 -1 4194624 1 2 3 4 5 6 7 8 20 0 1 0 42 57655296 345 1844674 1 1");
  REQUIRE(stat.has_value());
  CHECK(stat->comm == "a) R 5 (b");
  CHECK(stat->state == 'Z');
  CHECK(stat->start_time == 42);
}

TEST_CASE("a stat line that is cut or strange is no answer") {
  for (const char* line : {"", "12", "12 (x", "12 (x)", "12 (x) S", "12 (x) S 1 2 3 0 -1", "x (x) S 1 2 3 0",
                           "12 (x) S a 2 3 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 42", "12 )x( S 1 2 3"}) {
    CAPTURE(line);
    CHECK(!parse_process_stat(line).has_value());
  }
}

TEST_CASE("this process is read as what it is") {
  ::prctl(PR_SET_NAME, "a) b (c", 0, 0, 0);
  const ProcessStat stat = must(read_process_stat(::getpid()));
  ::prctl(PR_SET_NAME, "unit_os", 0, 0, 0);
  CHECK(stat.pid == ::getpid());
  CHECK(stat.comm == "a) b (c");
  CHECK(stat.state == 'R');
  CHECK(stat.ppid == ::getppid());
  CHECK(stat.process_group == ::getpgrp());
  CHECK(stat.session == ::getsid(0));
  CHECK(must(process_uid(::getpid())) == ::getuid());
}

TEST_CASE("a child that started later has a later start time, and a dead one is a zombie") {
  const Child child("exit 0");
  REQUIRE(wait_readable(child.pidfd()));
  const ProcessStat stat = must(read_process_stat(child.pid()));
  CHECK(stat.state == 'Z');
  CHECK(stat.ppid == ::getpid());
  CHECK(stat.start_time >= must(read_process_stat(::getpid())).start_time);
  CHECK(must(read_cmdline(child.pid())).empty());
}

TEST_CASE("a process that is gone is an error with its path") {
  CHECK(error_of(read_process_stat(0x7ffffff0)) == "open(/proc/2147483632/stat): No such file or directory");
}

TEST_CASE("the command line and one environment variable of a child") {
  SpawnRequest request = shell("echo; read line");
  request.argv.emplace_back("");
  request.argv.emplace_back("last arg");
  request.environment = {"LIVESWAP_WORKER_OLD=x", "LIVESWAP_WORKER=token=1", "EMPTY="};
  const Pair in = pipe_pair();
  const Pair out = pipe_pair();
  request.fds = {{in.a, STDIN_FILENO}, {out.b, STDOUT_FILENO}};
  const Child child(request);
  REQUIRE(wait_readable(out.a));
  CHECK(must(read_cmdline(child.pid())) ==
        std::vector<std::string>{"sh", "-c", "echo; read line", "", "last arg"});
  CHECK(must(read_environ(child.pid(), "LIVESWAP_WORKER")) == "token=1");
  CHECK(must(read_environ(child.pid(), "EMPTY")) == "");
  CHECK(!must(read_environ(child.pid(), "LIVESWAP")).has_value());
}

TEST_CASE("the count of open descriptors follows what is opened") {
  const std::size_t before = must(count_open_fds(::getpid()));
  {
    const Pair pipe = pipe_pair();
    CHECK(must(count_open_fds(::getpid())) == before + 2);
  }
  CHECK(must(count_open_fds(::getpid())) == before);
}

TEST_CASE("the boot id is a UUID without the newline") {
  CHECK(must(boot_id()).size() == 36);
  CHECK(must(boot_id()) == must(boot_id()));
}

}  // namespace liveswap::os
