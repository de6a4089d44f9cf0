#include "os/remote_process.hpp"

#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <cstring>
#include <thread>

#include "processes.hpp"

namespace liveswap::os {
using namespace test;

namespace {

constexpr std::string_view kStatus =
    "Name:\ta\\nUid:\t7\nUmask:\t0027\nState:\tS (sleeping)\nTgid:\t41\nNgid:\t0\nPid:\t42\n"
    "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t4 27 4294967294 \nCapEff:\t0000000000000401\n";

std::string without(std::string_view line) {
  std::string text(kStatus);
  const std::size_t at = text.find(line);
  REQUIRE(at != text.npos);
  text.erase(at, text.find('\n', at) - at + 1);
  return text;
}

std::uint64_t address_of(const void* memory) { return reinterpret_cast<std::uint64_t>(memory); }

// Two pages, of which only the first can be read.
class HalfMapped {
 public:
  HalfMapped() : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) {
    void* memory = ::mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    start_ = static_cast<char*>(memory);
    REQUIRE(::mprotect(start_ + page_, page_, PROT_NONE) == 0);
  }
  HalfMapped(const HalfMapped&) = delete;
  HalfMapped& operator=(const HalfMapped&) = delete;
  ~HalfMapped() { ::munmap(start_, 2 * page_); }
  [[nodiscard]] char* before_end(std::size_t bytes) const { return start_ + page_ - bytes; }

 private:
  std::size_t page_;
  char* start_;
};

}  // namespace

TEST_CASE("a thread's status is what /proc says of it") {
  const auto status = parse_thread_status(kStatus);
  REQUIRE(status.has_value());
  CHECK(*status == ThreadStatus{.process = 41,
                                .uid = 1,
                                .effective_uid = 2,
                                .file_uid = 4,
                                .file_gid = 8,
                                .groups = {4, 27, 4294967294},
                                .effective_capabilities = 0x401,
                                .umask = 027});
  CHECK(status->has_capability(CAP_NET_BIND_SERVICE));
  CHECK_FALSE(status->has_capability(CAP_SYS_ADMIN));
}

TEST_CASE("a thread's status that lacks something is none") {
  for (const char* line : {"Tgid:", "Uid:\t1", "Gid:", "Groups:", "CapEff:", "Umask:"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_thread_status(without(line)).has_value());
  }
  CHECK_FALSE(parse_thread_status("").has_value());
  std::string bad(kStatus);
  bad.replace(bad.find("27 "), 2, "x7");
  CHECK_FALSE(parse_thread_status(bad).has_value());
}

TEST_CASE("a thread's status and process are found by the thread's own number") {
  std::thread([] {
    const ThreadStatus status = must(read_thread_status(::gettid()));
    CHECK(status.process == ::getpid());
    CHECK(status.uid == ::getuid());
    CHECK(status.effective_uid == ::geteuid());
    CHECK(status.file_gid == ::getegid());
    const mode_t mask = ::umask(0);
    ::umask(mask);
    CHECK(status.umask == mask);
    CHECK(must(process_of(::gettid())) == ::getpid());
  }).join();
  CHECK(error_of(process_of(INT_MAX)) == "open(/proc/2147483647/status): No such file or directory");
}

TEST_CASE("memory of another process is read whole or not at all") {
  const HalfMapped memory;
  std::memcpy(memory.before_end(4), "abcd", 4);
  CHECK(text(must(read_memory(::getpid(), address_of(memory.before_end(4)), 4))) == "abcd");
  CHECK(must(read_memory(::getpid(), address_of(memory.before_end(4)), 0)).empty());
  const auto beyond = read_memory(::getpid(), address_of(memory.before_end(4)), 5);
  REQUIRE_FALSE(beyond.has_value());
  CHECK(beyond.error().code == EFAULT);
  const auto nowhere = read_memory(::getpid(), 16, 4);
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error().code == EFAULT);
}

TEST_CASE("memory is read from the process that was asked for, and from none that has ended") {
  char own[] = "before";
  const pid_t child = ::fork();
  REQUIRE(child != -1);
  if (child == 0) {
    std::memcpy(own, "theirs", 6);
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  REQUIRE(::waitpid(child, nullptr, WUNTRACED) == child);
  CHECK(text(must(read_memory(child, address_of(own), 6))) == "theirs");
  CHECK(must(read_path(child, address_of(own))) == "theirs");
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  const auto gone = read_memory(child, address_of(own), 6);
  REQUIRE_FALSE(gone.has_value());
  CHECK(gone.error().code == ESRCH);
}

TEST_CASE("a path ends at its NUL, which can be the last byte that there is") {
  const HalfMapped memory;
  std::memcpy(memory.before_end(5), "/a/b", 5);
  CHECK(must(read_path(::getpid(), address_of(memory.before_end(5)))) == "/a/b");
  CHECK(must(read_path(::getpid(), address_of(memory.before_end(1)))) == "");
  *memory.before_end(1) = 'c';
  const auto endless = read_path(::getpid(), address_of(memory.before_end(5)));
  REQUIRE_FALSE(endless.has_value());
  CHECK(endless.error().code == EFAULT);
  const std::string longest(PATH_MAX - 1, 'x');
  CHECK(must(read_path(::getpid(), address_of(longest.c_str()))) == longest);
  const std::string longer(PATH_MAX, 'x');
  const auto too_long = read_path(::getpid(), address_of(longer.c_str()));
  REQUIRE_FALSE(too_long.has_value());
  CHECK(too_long.error().code == ENAMETOOLONG);
}

TEST_CASE("a child has our root and namespaces, and a directory of its own") {
  const TempDir directory;
  Pair out = pipe_pair();
  const Pair in = pipe_pair();
  SpawnRequest request = shell("cd " + directory.path() + "; echo there; read forever");
  request.fds = {{in.a, STDIN_FILENO}, {out.b, STDOUT_FILENO}};
  const Child child(request);
  char line[16] = {};
  REQUIRE(::read(out.a.get(), line, sizeof line) > 0);
  CHECK(must(shares_root(child.pid())));
  CHECK(must(shares_namespace(child.pid(), "net")));
  CHECK(must(shares_namespace(child.pid(), "user")));
  const OwnedFd cwd = must(open_working_directory(child.pid()));
  CHECK(must(is_cloexec(cwd)));
  struct stat there {}, here {};
  REQUIRE(::fstat(cwd.get(), &there) == 0);
  REQUIRE(::stat(directory.path().c_str(), &here) == 0);
  CHECK(there.st_ino == here.st_ino);
}

TEST_CASE("a child in a namespace or under a root of its own is seen to be") {
  if (::geteuid() != 0) return;
  const TempDir directory;
  const pid_t child = ::fork();
  REQUIRE(child != -1);
  if (child == 0) {
    if (::unshare(CLONE_NEWNET) == 0 && ::chroot(directory.path().c_str()) == 0) ::raise(SIGSTOP);
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, WUNTRACED) == child);
  if (WIFSTOPPED(status)) {
    CHECK_FALSE(must(shares_namespace(child, "net")));
    CHECK(must(shares_namespace(child, "mnt")));
    CHECK_FALSE(must(shares_root(child)));
    ::kill(child, SIGKILL);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
  } else {
    MESSAGE("skipped: no right to make a namespace or to change the root");
  }
}

}  // namespace liveswap::os
