#include "os/lockfile.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>

#include "os/file.hpp"
#include "processes.hpp"

namespace liveswap::os {
using namespace test;

TEST_CASE("the second taker learns the first one's pid, and gets the lock when that is gone") {
  const TempDir dir;
  const std::string path = dir.path("lock");
  auto first = must(take_lock(path));
  REQUIRE(first.lock.has_value());
  CHECK(must(is_cloexec(first.lock->fd())));
  CHECK(must(read_file(path, 100)) == std::to_string(::getpid()) + "\n");

  const auto second = must(take_lock(path));
  CHECK(!second.lock.has_value());
  CHECK(second.holder == ::getpid());

  first.lock.reset();
  CHECK(must(take_lock(path)).lock.has_value());
}

TEST_CASE("a lock of a process that was killed is free, and the old pid is written over") {
  const TempDir dir;
  const std::string path = dir.path("lock");
  std::optional<OwnedFd> copy;
  {
    auto taken = must(take_lock(path));
    must(taken.lock->write_pid(1234567890));
    copy = must(dup_cloexec(taken.lock->fd()));
  }
  {  // a process that holds only a duplicate of the descriptor, as a guardian would
    SpawnRequest request;
    request.path = "/bin/cat";
    request.argv = {"cat"};
    const Pair in = pipe_pair();
    request.fds = {{in.a, STDIN_FILENO}, {*copy, 9}};
    const Child child(request);
    copy.reset();
    const auto taken = must(take_lock(path));
    CHECK(!taken.lock.has_value());
    CHECK(taken.holder == 1234567890);
    must(pidfd_send_signal(child.pidfd(), SIGKILL));
    REQUIRE(wait_readable(child.pidfd()));
    CHECK(must(take_lock(path)).lock.has_value());
  }
  CHECK(must(read_file(path, 100)) == std::to_string(::getpid()) + "\n");
}

TEST_CASE("a holder that has not written its pid yet is unknown") {
  const TempDir dir;
  auto taken = must(take_lock(dir.path("lock")));
  REQUIRE(::ftruncate(taken.lock->fd().get(), 0) == 0);
  CHECK(must(take_lock(dir.path("lock"))).holder == 0);
}

TEST_CASE("nobody else may open the file, and so lock it, even one that was there") {
  const TempDir dir;
  const std::string path = dir.path("lock");
  REQUIRE(::close(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666)) == 0);
  REQUIRE(::chmod(path.c_str(), 0666) == 0);
  const auto attempt = must(take_lock(path));
  struct stat file {};
  REQUIRE(::stat(path.c_str(), &file) == 0);
  CHECK((file.st_mode & 0777) == 0600);
}

TEST_CASE("a symbolic link in the lock's place is refused") {
  const TempDir dir;
  std::filesystem::create_symlink(dir.path("elsewhere"), dir.path("lock"));
  CHECK(error_of(take_lock(dir.path("lock"))) ==
        "open(" + dir.path("lock") + "): Too many levels of symbolic links");
  CHECK(!std::filesystem::exists(dir.path("elsewhere")));
}

}  // namespace liveswap::os
