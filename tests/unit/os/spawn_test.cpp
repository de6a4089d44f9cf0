#include "os/spawn.hpp"

#include <sched.h>
#include <sys/stat.h>

#include <sstream>

#include "processes.hpp"

namespace liveswap::os {
using namespace test;

namespace {

OwnedFd open_program(const char* path) { return OwnedFd{adopt, ::open(path, O_RDONLY | O_CLOEXEC)}; }

std::string status_field(const std::string& status, const std::string& field) {
  std::istringstream lines(status);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(field + ":\t")) return line.substr(field.size() + 2);
  }
  return "missing";
}

}  // namespace

TEST_CASE("a program runs by path with its arguments and environment, and nothing of ours") {
  ::setenv("LIVESWAP_TEST_OURS", "1", 1);
  SpawnRequest request = shell("echo \"$0 $1 $A $LIVESWAP_TEST_OURS\"");
  request.argv.insert(request.argv.end(), {"zero", "one two"});
  request.environment.emplace_back("A=b c");
  CHECK(output_of(request) == "zero one two b c \n");
}

TEST_CASE("a program runs by its descriptor, also when the file is gone") {
  const TempDir dir;
  std::filesystem::copy_file("/bin/echo", dir.path("echo"));
  SpawnRequest request;
  const OwnedFd program = open_program(dir.path("echo").c_str());
  std::filesystem::remove(dir.path("echo"));
  request.executable = program;
  request.argv = {"echo", "still here"};
  CHECK(output_of(request) == "still here\n");
}

TEST_CASE("the child has exactly the mapped descriptors") {
  must(set_cloexec_from(3));  // whatever the test itself was started with
  const OwnedFd null{adopt, ::open("/dev/null", O_RDWR | O_CLOEXEC)};
  SpawnRequest request;
  const OwnedFd program = open_program("/bin/ls");
  request.executable = program;
  request.argv = {"ls", "/proc/self/fd"};
  request.fds = {{null, 0}, {null, 2}, {null, 7}, {null, 9}};
  // 3 is ls's own, open on the directory it lists
  CHECK(output_of(request) == "0\n1\n2\n3\n7\n9\n");
}

TEST_CASE("mapped numbers may cross over, stay the same, or be the program's own") {
  const TempDir dir;
  const auto make = [&](const char* content) {
    const std::string path = dir.path(content);
    OwnedFd fd{adopt, ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    REQUIRE(::write(fd.get(), content, 3) == 3);
    REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
    return fd;
  };
  const OwnedFd first = make("one");
  const OwnedFd second = make("two");
  const OwnedFd third = make("six");
  const OwnedFd program = open_program("/bin/sh");
  SpawnRequest request = shell({});
  request.executable = program;
  request.fds = {{first, second.get()}, {second, first.get()}, {third, third.get()}, {third, program.get()}};
  request.argv[2] = "cat <&" + std::to_string(first.get()) + "; cat <&" + std::to_string(second.get()) +
                    "; cat <&" + std::to_string(third.get()) + "; test -f /proc/self/fd/" +
                    std::to_string(program.get()) + " && echo ok";
  CHECK(output_of(request) == "twoonesixok\n");
}

TEST_CASE("all signals are at their default and none is blocked in the child") {
  sigset_t blocked;
  sigset_t old;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR2);
  REQUIRE(::sigprocmask(SIG_BLOCK, &blocked, &old) == 0);
  const auto old_handler = ::signal(SIGPIPE, SIG_IGN);
  const auto old_rt = ::signal(SIGRTMIN + 3, SIG_IGN);
  SpawnRequest request;
  request.path = "/bin/cat";
  request.argv = {"cat", "/proc/self/status"};
  const std::string status = output_of(request);
  ::signal(SIGPIPE, old_handler);
  ::signal(SIGRTMIN + 3, old_rt);
  ::sigprocmask(SIG_SETMASK, &old, nullptr);
  CHECK(status_field(status, "SigBlk") == "0000000000000000");
  CHECK(status_field(status, "SigIgn") == "0000000180000000");  // glibc's own, 32 and 33
}

TEST_CASE("a program that cannot be executed is an error and leaves no child and no descriptor") {
  const std::size_t before = count_own_fds();
  SpawnRequest request = shell("true");
  request.path = "/nonexistent/program";
  CHECK(error_of(spawn(request)) == "posix_spawn(/nonexistent/program): No such file or directory");
  request.path = "/etc/passwd";
  CHECK(error_of(spawn(request)) == "posix_spawn(/etc/passwd): Permission denied");
  CHECK(!must(peek_ended_child()).has_value());
  CHECK(count_own_fds() == before);
}

TEST_CASE("spawning leaves no descriptor but the pidfd, which is close-on-exec") {
  const std::size_t before = count_own_fds();
  {
    const OwnedFd program = open_program("/bin/true");
    SpawnRequest request;
    request.executable = program;
    request.argv = {"true"};
    request.fds = {{program, 200}};
    const SpawnedProcess process = must(spawn(request));
    CHECK(count_own_fds() == before + 2);
    CHECK(must(is_cloexec(process.pidfd)));
    CHECK(::waitpid(process.pid, nullptr, 0) == process.pid);
  }
  CHECK(count_own_fds() == before);
}

TEST_CASE("a missing /proc is named where a program is run by its descriptor") {
  // In a child of its own: chroot to an empty directory, in a user namespace where root is not at hand.
  const TempDir dir;
  Pair pipe = pipe_pair();
  const OwnedFd program = open_program("/bin/true");
  const pid_t pid = ::fork();
  REQUIRE(pid != -1);
  if (pid == 0) {
    std::string report = "cannot chroot";
    if (::chroot(dir.path().c_str()) == 0 ||
        (::unshare(CLONE_NEWUSER) == 0 && ::chroot(dir.path().c_str()) == 0)) {
      SpawnRequest request;
      request.executable = program;
      request.argv = {"true"};
      report = error_of(spawn(request));
    }
    (void)!::write(pipe.b.get(), report.data(), report.size());
    ::_exit(0);
  }
  pipe.b.reset();
  const std::string report = read_to_end(pipe.a);
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
  if (report == "cannot chroot") {
    MESSAGE("not tried: no right to chroot here");
    return;
  }
  CHECK(report == "posix_spawn(/proc/self/fd/" + std::to_string(program.get()) +
                      "): /proc is not mounted, and a program is run by its descriptor through it: "
                      "No such file or directory");
}

}  // namespace liveswap::os
