#include "os/reach.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include "helpers.hpp"

namespace liveswap::os {

using test::TempDir;

// The directories are ours, so these are strangers to them, one of them in our group.
TEST_CASE("a directory is reached where each one on the way may be searched") {
  const uid_t stranger = ::geteuid() + 12345;
  const std::array<gid_t, 1> theirs{::getegid() + 12345};
  const std::array<gid_t, 2> ours{theirs[0], ::getegid()};
  const TempDir dir;
  const std::string inner = dir.path("inner");
  REQUIRE(::mkdir(inner.c_str(), 0755) == 0);
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  CHECK(can_search(inner, stranger, theirs));
  REQUIRE(::chmod(dir.path().c_str(), 0700) == 0);
  CHECK(!can_search(inner, stranger, theirs));
  CHECK(!can_search(inner, stranger, ours));
  CHECK(can_search(inner, 0, theirs));
  CHECK(can_search(inner, ::geteuid(), theirs));
  REQUIRE(::chmod(dir.path().c_str(), 0710) == 0);
  CHECK(!can_search(inner, stranger, theirs));
  CHECK(can_search(inner, stranger, ours));
  REQUIRE(::chmod(dir.path().c_str(), 0701) == 0);
  CHECK(can_search(inner, stranger, theirs));
  CHECK(!can_search(inner, stranger, ours));  // the group's bits count for its members, though others have more
  CHECK(!can_search(dir.path("nowhere"), stranger, theirs));
  CHECK(can_search("/", stranger, theirs));
}

TEST_CASE("both ends of a symlink must be reached") {
  const uid_t stranger = ::geteuid() + 12345;
  const std::array<gid_t, 1> theirs{::getegid() + 12345};
  const TempDir dir;
  for (const char* name : {"open", "closed"}) REQUIRE(::mkdir(dir.path(name).c_str(), 0755) == 0);
  REQUIRE(::mkdir(dir.path("closed/inner").c_str(), 0755) == 0);
  std::filesystem::create_directory_symlink("../closed/inner", dir.path("open/in"));
  std::filesystem::create_directory_symlink("../open", dir.path("closed/out"));
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  CHECK(can_search(dir.path("open/in"), stranger, theirs));
  CHECK(can_search(dir.path("closed/out"), stranger, theirs));
  REQUIRE(::chmod(dir.path("closed").c_str(), 0700) == 0);
  CHECK(!can_search(dir.path("open/in"), stranger, theirs));
  CHECK(!can_search(dir.path("closed/out"), stranger, theirs));
}

}  // namespace liveswap::os
