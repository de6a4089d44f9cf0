// Goal: the files of Unix sockets have the right owner and mode from the first moment, never take another's
// place, and are gone when their listener is.
#include <fcntl.h>

#include <atomic>
#include <fstream>
#include <set>
#include <thread>

#include "listeners_world.hpp"

namespace liveswap::master {
using namespace test;

TEST_CASE("a Unix path has mode 0660 unless another is configured") {
  const TempDir dir;
  const World world(plan({listener("plain", {unix_path(dir.path("plain"))}),
                          listener("open", {unix_path(dir.path("open"))}, {.mode = 0666})}));
  CHECK((stat_of(dir.path("plain")).st_mode & 07777) == 0660);
  CHECK((stat_of(dir.path("open")).st_mode & 07777) == 0666);
}

TEST_CASE("the umask takes nothing from the mode of a Unix path") {
  const TempDir dir;
  const mode_t before = ::umask(0777);
  const World world(plan({listener("x", {unix_path(dir.path("x"))}, {.mode = 0664})}));
  ::umask(before);
  CHECK((stat_of(dir.path("x")).st_mode & 07777) == 0664);
}

TEST_CASE("a Unix path gets the user and group that are configured") {
  if (!is_root()) {
    MESSAGE("skipped: needs root");
    return;
  }
  const TempDir dir;
  const World world(plan({listener("x", {unix_path(dir.path("x"))}, {.user = "1234", .group = "4321"}),
                          listener("y", {unix_path(dir.path("y"))}, {.group = "4321"})}));
  CHECK(stat_of(dir.path("x")).st_uid == 1234);
  CHECK(stat_of(dir.path("x")).st_gid == 4321);
  CHECK(stat_of(dir.path("y")).st_uid == 0);
  CHECK(stat_of(dir.path("y")).st_gid == 4321);
}

TEST_CASE("a user or group that the system does not know is an error") {
  const TempDir dir;
  World unknown;
  CHECK(
      unknown.failures(plan({listener("y", {unix_path(dir.path("y"))}, {.user = "nobody-here"}),
                             listener("z", {unix_path(dir.path("z"))}, {.group = "none-here"})})) ==
      lines({"listener y: there is no user \"nobody-here\"", "listener z: there is no group \"none-here\""}));
}

TEST_CASE("a Unix path cannot be given away by an ordinary user, and is not left behind") {
  if (!is_root()) {
    MESSAGE("skipped: starts as root");
    return;
  }
  const TempDir dir;
  REQUIRE(::chmod(dir.path().c_str(), 0777) == 0);
  World world;
  {
    const Unprivileged unprivileged;
    CHECK(world.failures(plan({listener("x", {unix_path(dir.path("x"))}, {.user = "root"})})) ==
          lines({"listener x: chown(" + dir.path("x") + "): Operation not permitted"}));
  }
  CHECK(!exists(dir.path("x")));
}

TEST_CASE("a worker sees the configured path as the socket's name") {
  const TempDir dir;
  leave_stale(dir.path("x"));
  const World world(plan({listener("x", {unix_path(dir.path("x"))})}));
  CHECK(must(os::local_address(world.socket("x").fd)).text() == dir.path("x"));
}

TEST_CASE("a socket file that nobody has a socket for is replaced") {
  const TempDir dir;
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    CAPTURE(type);
    leave_stale(dir.path("x"), type);
    const World world(plan({listener("x", {unix_path(dir.path("x"))})}));
    CHECK(client_of(address_of(world.socket("x"))).valid());
    CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
  }
}

TEST_CASE("a socket file in use is an error that names its holder, and goes on working undisturbed") {
  const TempDir dir;
  const os::SocketAddress address = must(os::SocketAddress::unix_path(dir.path("x")));
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    CAPTURE(type);
    OwnedFd holder = must(os::open_socket(AF_UNIX, type));
    must(os::bind_socket(holder, address));
    if (type != SOCK_DGRAM) must(os::listen_on(holder, 5));
    World world;
    CHECK(world.failures(plan({listener("x", {unix_path(dir.path("x"))})})) ==
          lines({"listener x: bind(" + dir.path("x") + "): Address already in use: held by PID " +
                 std::to_string(::getpid()) + " (unit_master)"}));
    if (type != SOCK_DGRAM) CHECK(must(os::accept_queue(holder)).waiting == 0);
    CHECK(client_of(address, type).valid());
    holder.reset();
    REQUIRE(::unlink(dir.path("x").c_str()) == 0);
  }
}

TEST_CASE("a socket that is bound but does not listen yet is in use") {
  const TempDir dir;
  const OwnedFd holder = must(os::open_socket(AF_UNIX, SOCK_STREAM));
  must(os::bind_socket(holder, must(os::SocketAddress::unix_path(dir.path("x")))));
  World world;
  CHECK(!world.failures(plan({listener("x", {unix_path(dir.path("x"))})})).empty());
  CHECK(exists(dir.path("x")));
}

TEST_CASE("what is no socket is never replaced") {
  const TempDir dir;
  std::ofstream(dir.path("file")) << "precious";
  leave_stale(dir.path("stale"));
  REQUIRE(::symlink(dir.path("stale").c_str(), dir.path("link").c_str()) == 0);
  REQUIRE(::symlink("/nowhere/at/all", dir.path("dangling").c_str()) == 0);
  REQUIRE(::mkdir(dir.path("folder").c_str(), 0700) == 0);
  World world;
  const auto refused = [&](const std::string& name, const std::string& what) {
    return "listener " + name + ": bind(" + dir.path(name) + "): " + what +
           " is there, which is not replaced";
  };
  CHECK(world.failures(plan({listener("file", {unix_path(dir.path("file"))}),
                             listener("link", {unix_path(dir.path("link"))}),
                             listener("dangling", {unix_path(dir.path("dangling"))}),
                             listener("folder", {unix_path(dir.path("folder"))})})) ==
        lines({refused("file", "a file that is no socket"), refused("link", "a symbolic link"),
               refused("dangling", "a symbolic link"), refused("folder", "a file that is no socket")}));
  CHECK(stat_of(dir.path("file")).st_size == 8);
  CHECK(S_ISLNK(stat_of(dir.path("link")).st_mode));
  CHECK(exists(dir.path("stale")));
}

TEST_CASE("a missing directory is named, and not made") {
  const TempDir dir;
  World world;
  CHECK(world.failures(plan({listener("x", {unix_path(dir.path("no/such/x"))})})) ==
        lines({"listener x: bind(" + dir.path("no/such/x") +
               "): No such file or directory: there is no directory " + dir.path("no/such")}));
  CHECK(!exists(dir.path("no")));
}

TEST_CASE("a directory without write permission is an error") {
  if (!is_root()) {
    MESSAGE("skipped: starts as root");
    return;
  }
  const TempDir dir;
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  World world;
  const Unprivileged unprivileged;
  CHECK(world.failures(plan({listener("x", {unix_path(dir.path("x"))})})) ==
        lines({"listener x: bind(" + dir.path("x") + "): Permission denied"}));
}

TEST_CASE("a path too long for the kernel is refused") {
  const TempDir dir;
  World world;
  const auto failures = world.failures(plan({listener("x", {unix_path(dir.path(std::string(120, 'x')))})}));
  CHECK(failures.ends_with("bytes long, and the kernel takes at most 107\n"));
}

TEST_CASE("the file goes with its listener") {
  const TempDir dir;
  { const World world(plan({listener("x", {unix_path(dir.path("x"))})})); }
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("a file that somebody has put in the place of ours stays") {
  const TempDir dir;
  SUBCASE("another socket") {
    {
      const World world(plan({listener("x", {unix_path(dir.path("x"))})}));
      REQUIRE(::unlink(dir.path("x").c_str()) == 0);
      leave_stale(dir.path("x"));
    }
    CHECK(exists(dir.path("x")));
  }
  SUBCASE("a symbolic link to ours") {
    {
      const World world(plan({listener("x", {unix_path(dir.path("x"))})}));
      REQUIRE(::rename(dir.path("x").c_str(), dir.path("moved").c_str()) == 0);
      REQUIRE(::symlink(dir.path("moved").c_str(), dir.path("x").c_str()) == 0);
    }
    CHECK(S_ISLNK(stat_of(dir.path("x")).st_mode));
    CHECK(exists(dir.path("moved")));
  }
}

TEST_CASE("the file stays while another process still has the socket") {
  const TempDir dir;
  OwnedFd elsewhere;
  {
    const World world(plan({listener("x", {unix_path(dir.path("x"))})}));
    elsewhere = must(os::dup_cloexec(world.socket("x").fd));
  }
  CHECK(exists(dir.path("x")));
  CHECK(client_of(must(os::SocketAddress::unix_path(dir.path("x")))).valid());
}

TEST_CASE("from the file's first moment nobody can connect who may not later") {
  const TempDir dir;
  const std::string path = dir.path("x");
  std::set<unsigned> modes;  // that another thread has seen
  std::atomic<bool> done = false;
  std::thread watcher([&] {
    struct stat found {};
    while (!done) {
      if (::lstat(path.c_str(), &found) == 0) modes.insert(found.st_mode & 07777);
    }
  });
  for (int round = 0; round < 300; ++round) const World world(plan({listener("x", {unix_path(path)})}));
  done = true;
  watcher.join();
  modes.erase(0);
  modes.erase(0660);
  CHECK(modes == std::set<unsigned>{});
}

}  // namespace liveswap::master
