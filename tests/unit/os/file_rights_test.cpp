// Another user's rights to files: taken by one thread, held by the kernel, given back.
#include "os/file_rights.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <latch>
#include <thread>

#include "os/fd.hpp"
#include "os/helpers.hpp"

namespace liveswap::os {
namespace {

constexpr FileIdentity kNobody{65534, 65534, {}};

int create(const std::string& path) {
  const OwnedFd file{adopt, ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600)};
  return file ? 0 : errno;
}

uid_t owner_of(const std::string& path) {
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  return found.st_uid;
}

TEST_CASE("file rights: without an identity nothing changes") {
  const test::TempDir folder;
  const FileRights rights(nullptr);
  CHECK(rights.taken().has_value());
  CHECK(create(folder.path("file")) == 0);
  CHECK(owner_of(folder.path("file")) == ::geteuid());
}

TEST_CASE("file rights: only root can take another user's" * doctest::skip(::geteuid() == 0)) {
  const FileRights rights(&kNobody);
  CHECK_FALSE(rights.taken().has_value());
}

TEST_CASE("file rights: the other user's in one scope of one thread" * doctest::skip(::geteuid() != 0)) {
  const test::TempDir folder;  // 0700, root's
  const std::string open = folder.path("open");
  REQUIRE(::mkdir(open.c_str(), 0777) == 0);
  REQUIRE(::chmod(open.c_str(), 0777) == 0);
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  std::latch taken(1);
  int elsewhere = -1;
  std::thread other([&] {
    taken.wait();
    elsewhere = create(folder.path("of-another-thread"));
  });
  {
    const FileRights rights(&kNobody);
    REQUIRE(rights.taken().has_value());
    taken.count_down();
    other.join();
    CHECK(create(folder.path("file")) == EACCES);
    CHECK(create(open + "/nobodys") == 0);
  }
  CHECK(elsewhere == 0);
  CHECK(owner_of(open + "/nobodys") == kNobody.uid);
  CHECK(create(folder.path("file")) == 0);
  CHECK(owner_of(folder.path("file")) == 0);
}

}  // namespace
}  // namespace liveswap::os
