#include "os/spawn.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

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
  CHECK(status_field(status, "SigIgn") == "0000000000000000");
}

TEST_CASE("a program that cannot be executed is an error and leaves no child and no descriptor") {
  const std::size_t before = count_own_fds();
  SpawnRequest request = shell("true");
  request.path = "/nonexistent/program";
  CHECK(error_of(spawn(request)) == "exec(/nonexistent/program): No such file or directory");
  request.path = "/etc/passwd";
  CHECK(error_of(spawn(request)) == "exec(/etc/passwd): Permission denied");
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

TEST_CASE("a program that sees to its signals itself meets them as they were, and blocked") {
  const auto old_handler = ::signal(SIGPIPE, SIG_IGN);
  SpawnRequest request;
  request.path = "/bin/cat";
  request.argv = {"cat", "/proc/self/status"};
  request.signals = Signals::untouched;
  const std::string status = output_of(request);
  ::signal(SIGPIPE, old_handler);
  const auto mask = [](std::initializer_list<int> signals) {
    std::uint64_t bits = 0;
    for (const int signal : signals) bits |= std::uint64_t{1} << (signal - 1);
    return bits;
  };
  const std::uint64_t blocked = std::stoull(status_field(status, "SigBlk"), nullptr, 16);
  CHECK((blocked | mask({SIGKILL, SIGSTOP, 32, 33})) == ~std::uint64_t{0});  // libc keeps 32 and 33 for itself
  CHECK((std::stoull(status_field(status, "SigIgn"), nullptr, 16) & mask({SIGPIPE})) != 0);
}

TEST_CASE("our own signals are as they were after a spawn") {
  sigset_t before;
  sigset_t after;
  REQUIRE(::sigprocmask(SIG_SETMASK, nullptr, &before) == 0);
  CHECK(output_of(shell("true")).empty());
  REQUIRE(::sigprocmask(SIG_SETMASK, nullptr, &after) == 0);
  for (int signal = 1; signal < NSIG; ++signal) {
    CAPTURE(signal);
    CHECK(::sigismember(&before, signal) == ::sigismember(&after, signal));
  }
}

TEST_CASE("with numbers of its own a spawn copies no table of many descriptors, and keeps nothing open there") {
  const OwnedFd null{adopt, ::open("/dev/null", O_RDWR | O_CLOEXEC)};
  SpawnNumbers numbers = must(SpawnNumbers::reserve(3, 9, null));
  std::vector<OwnedFd> many;
  while (many.size() < 300) many.push_back(must(dup_cloexec(null, 0)));
  const std::size_t before = count_own_fds();
  SpawnRequest request;
  request.path = "/bin/cat";
  request.argv = {"cat", "/proc/self/status"};
  request.fds = {{null, 0}, {null, 9}};  // output_of adds a third, whose end it waits for
  CHECK(std::stoi(status_field(output_of(request), "FDSize")) >= 300);
  request.numbers = &numbers;
  CHECK(std::stoi(status_field(output_of(request), "FDSize")) < 300);
  request.fds.push_back({null, 8});  // one more than there are numbers
  CHECK(status_field(output_of(request), "Name") == "cat");
  CHECK(count_own_fds() == before);
}

TEST_CASE("where close_range is forbidden, a spawn does without") {
  sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{std::size(code), code};
  Pair pipe = pipe_pair();
  const pid_t pid = ::fork();  // a filter is for good
  REQUIRE(pid != -1);
  if (pid == 0) {
    SpawnRequest request = shell("echo ran; echo to 7 >&7");
    request.fds = {{pipe.b, 1}, {pipe.b, 7}};
    const bool filtered = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                          ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0 &&
                          ::syscall(SYS_close_range, 1000, 1000, 0) == -1;
    const auto process = spawn(request);
    ::_exit(filtered && process && ::waitpid(process->pid, nullptr, 0) == process->pid && os::is_open(pipe.b) ? 0 : 1);
  }
  pipe.b.reset();
  CHECK(read_to_end(pipe.a) == "ran\nto 7\n");
  int status = -1;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

TEST_CASE("a descriptor that the child may not have is an error that names its number") {
  const OwnedFd null{adopt, ::open("/dev/null", O_RDWR | O_CLOEXEC)};
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const int beyond = static_cast<int>(limit.rlim_cur);
  SpawnRequest request = shell("true");
  request.fds = {{null, beyond}};
  CHECK(error_of(spawn(request)).ends_with(errno_text(EINVAL)));  // not even ours can be lifted above it
  CHECK(!must(peek_ended_child()).has_value());
}

}  // namespace liveswap::os
