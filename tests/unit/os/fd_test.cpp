#include "os/fd.hpp"

#include "helpers.hpp"

namespace liveswap::os {
using namespace test;

TEST_CASE("an owned descriptor is closed when its owner dies") {
  const std::size_t before = count_own_fds();
  FdRef borrowed;
  {
    const OwnedFd owner = std::move(pipe_pair().a);
    borrowed = owner;
    CHECK(is_open(borrowed));
    CHECK(borrowed.get() == owner.get());
  }
  CHECK(!is_open(borrowed));
  CHECK(count_own_fds() == before);
}

TEST_CASE("move assignment closes what was held at once") {
  Pair pipe = pipe_pair();
  const FdRef held = pipe.a;
  const FdRef taken = pipe.b;
  pipe.a = std::move(pipe.b);
  CHECK(!is_open(held));
  CHECK(is_open(taken));
  CHECK(pipe.a.get() == taken.get());
  CHECK(!pipe.b.valid());  // NOLINT(bugprone-use-after-move): empty is promised
}

TEST_CASE("moving an owner onto itself keeps the descriptor") {
  OwnedFd owner = std::move(pipe_pair().a);
  OwnedFd& same = owner;
  owner = std::move(same);
  CHECK(is_open(owner));
}

TEST_CASE("a released descriptor stays open and belongs to the caller") {
  OwnedFd owner = std::move(pipe_pair().a);
  const int number = owner.release();
  CHECK(!owner);
  CHECK(is_open(FdRef{number}));
  const OwnedFd again{adopt, number};
}

TEST_CASE("a duplicate is close-on-exec, has at least the number asked for, and outlives the original") {
  OwnedFd original = std::move(pipe_pair().a);
  must(set_cloexec(original, false));
  const OwnedFd copy = must(dup_cloexec(original, 200));
  original.reset();
  CHECK(copy.get() >= 200);
  CHECK(must(is_cloexec(copy)));
}

TEST_CASE("close-on-exec and non-blocking are set and cleared") {
  const OwnedFd fd = std::move(pipe_pair().a);
  must(set_cloexec(fd, false));
  CHECK(!must(is_cloexec(fd)));
  must(set_cloexec(fd, true));
  CHECK(must(is_cloexec(fd)));
  CHECK(!must(is_nonblock(fd)));
  must(set_nonblock(fd, true));
  CHECK(must(is_nonblock(fd)));
  must(set_nonblock(fd, false));
  CHECK(!must(is_nonblock(fd)));
}

TEST_CASE("everything from a number up becomes close-on-exec, and nothing below it") {
  const OwnedFd anything = std::move(pipe_pair().a);
  const OwnedFd below = must(dup_cloexec(anything, 300));
  const OwnedFd first = must(dup_cloexec(anything, 301));
  const OwnedFd far = must(dup_cloexec(anything, 500));
  for (const FdRef fd : {FdRef{below}, FdRef{first}, FdRef{far}}) must(set_cloexec(fd, false));
  must(set_cloexec_from(301));
  CHECK(!must(is_cloexec(below)));
  CHECK(must(is_cloexec(first)));
  CHECK(must(is_cloexec(far)));
}

TEST_CASE("errors name the descriptor") {
  CHECK(error_of(dup_cloexec(FdRef{987654})) == "fcntl F_DUPFD_CLOEXEC(987654): Bad file descriptor");
  CHECK(error_of(set_nonblock(FdRef{-1}, true)) == "fcntl F_GETFL(-1): Bad file descriptor");
}

}  // namespace liveswap::os
