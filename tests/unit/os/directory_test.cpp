#include "os/directory.hpp"

#include <sys/stat.h>

#include <fstream>

#include "helpers.hpp"

namespace liveswap::os {
using namespace test;

namespace {

mode_t mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777U;
}

}  // namespace

TEST_CASE("everything that is missing is made with the mode, whatever the umask is") {
  const TempDir dir;
  const mode_t old = ::umask(0077);
  const OwnedFd fd = must(open_private_directory(dir.path("a/b//./c/"), 0755));
  ::umask(old);
  CHECK(must(is_cloexec(fd)));
  for (const char* made : {"a", "a/b", "a/b/c"}) CHECK(mode_of(dir.path(made)) == 0755);
  CHECK(::openat(fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0);
}

TEST_CASE("a directory that is there keeps its mode") {
  const TempDir dir;
  std::filesystem::create_directory(dir.path("a"));
  REQUIRE(::chmod(dir.path("a").c_str(), 0700) == 0);
  must(open_private_directory(dir.path("a"), 0755));
  CHECK(mode_of(dir.path("a")) == 0700);
}

TEST_CASE("a directory that others can write is refused with what to do") {
  const TempDir dir;
  std::filesystem::create_directory(dir.path("a"));
  for (const auto& [mode, text] : {std::pair{0775, "0775"}, {0757, "0757"}, {01777, "01777"}}) {
    REQUIRE(::chmod(dir.path("a").c_str(), static_cast<mode_t>(mode)) == 0);
    CHECK(error_of(open_private_directory(dir.path("a"), 0700)) ==
          dir.path("a") + " has mode " + text + ", so others can write to it: chmod go-w " + dir.path("a"));
  }
}

TEST_CASE("a symbolic link in the place of the directory is refused, one on the way is followed") {
  const TempDir dir;
  std::filesystem::create_directory(dir.path("real"));
  REQUIRE(::chmod(dir.path("real").c_str(), 0700) == 0);
  std::filesystem::create_symlink(dir.path("real"), dir.path("link"));
  CHECK(error_of(open_private_directory(dir.path("link"), 0700)) ==
        dir.path("link") + " is a symbolic link, which is not followed here: name the directory itself");
  must(open_private_directory(dir.path("link/below"), 0700));
  CHECK(std::filesystem::is_directory(dir.path("real/below")));
}

TEST_CASE("in a directory where anybody may create files, a symbolic link is not followed") {
  const TempDir dir;
  std::filesystem::create_directory(dir.path("tmp"));
  std::filesystem::create_directory(dir.path("real"));
  REQUIRE(::chmod(dir.path("tmp").c_str(), 01777) == 0);
  std::filesystem::create_symlink(dir.path("real"), dir.path("tmp/planted"));
  CHECK(error_of(open_private_directory(dir.path("tmp/planted/web"), 0700)) ==
        dir.path("tmp/planted") +
            " is a symbolic link, which is not followed here: name the directory itself");
  must(open_private_directory(dir.path("tmp/liveswap-0/web"), 0700));
  CHECK(mode_of(dir.path("tmp/liveswap-0")) == 0700);
}

TEST_CASE("a directory that everyone can write and that is not sticky is refused on the way") {
  const TempDir dir;
  std::filesystem::create_directory(dir.path("open"));
  REQUIRE(::chmod(dir.path("open").c_str(), 0777) == 0);
  CHECK(error_of(open_private_directory(dir.path("open/a"), 0700)) ==
        dir.path("open") + " can be written by everyone, who could then replace what is in it: chmod +t " +
            dir.path("open"));
}

TEST_CASE("somebody else's directory is refused, be it the last one or planted on the way") {
  if (::geteuid() != 0) return;  // only root can make such a directory
  const TempDir dir;
  std::filesystem::create_directories(dir.path("tmp/liveswap-0/web"));
  REQUIRE(::chmod(dir.path("tmp").c_str(), 01777) == 0);
  REQUIRE(::chown(dir.path("tmp/liveswap-0/web").c_str(), 4711, 4711) == 0);
  CHECK(error_of(open_private_directory(dir.path("tmp/liveswap-0/web"), 0700)) ==
        dir.path("tmp/liveswap-0/web") +
            " belongs to uid 4711, not to us (uid 0): remove it or choose another directory");
  REQUIRE(::chown(dir.path("tmp/liveswap-0").c_str(), 4711, 4711) == 0);
  CHECK(
      error_of(open_private_directory(dir.path("tmp/liveswap-0/other"), 0700)) ==
      dir.path("tmp/liveswap-0") +
          " belongs to uid 4711, and anybody could have put it there: remove it or choose another directory");
  CHECK(!std::filesystem::exists(dir.path("tmp/liveswap-0/other")));
}

TEST_CASE("a file on the way, and a path that is no directory's, are errors") {
  const TempDir dir;
  std::ofstream(dir.path("file")) << "";
  CHECK(error_of(open_private_directory(dir.path("file/a"), 0700)) ==
        "open(" + dir.path("file") + "): Not a directory");
  CHECK(error_of(open_private_directory("/", 0700)) == "\"/\" cannot be used as a private directory");
  CHECK(error_of(open_private_directory("", 0700)) == "\"\" cannot be used as a private directory");
}

}  // namespace liveswap::os
