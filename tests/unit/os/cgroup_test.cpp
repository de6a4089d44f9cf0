// Where this machine has no cgroup2 that we may write to, only the reading of texts is tested, and it is said
// so.
#include "os/cgroup.hpp"

#include <sys/xattr.h>

#include <fstream>
#include <optional>

#include "processes.hpp"

namespace liveswap::os {
using namespace test;

namespace {

constexpr const char* kHybrid =
    "23 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw\n";

std::optional<Cgroup> make_cgroup() {
  const auto own = own_cgroup();
  if (!own || !check_cgroup_is_ours(*own, runs_under_systemd())) {
    MESSAGE("not tried: no cgroup2 that we may write to");
    return std::nullopt;
  }
  return must(Cgroup::create(*own, "liveswap-test-" + std::to_string(::getpid())));
}

// A shell in the cgroup with a child of its own; both wait for ever. Exists when both run.
class Family {
 public:
  explicit Family(const Cgroup& cgroup) : procs_(must(cgroup.open_procs())), child_(request()) {
    REQUIRE(wait_readable(told_.a));
  }
  [[nodiscard]] ExitStatus wait() const { return child_.wait(); }

 private:
  SpawnRequest request() {
    SpawnRequest request = shell("echo 0 >&7; sh -c 'echo ready >&8; read x <&9; :' & read x <&9");
    request.fds = {{procs_, 7}, {told_.b, 8}, {never_.a, 9}};
    return request;
  }
  OwnedFd procs_;
  Pair told_ = pipe_pair();
  Pair never_ = pipe_pair();
  Child child_;
};

constexpr ExitStatus kKilled{ExitStatus::Kind::signaled, SIGKILL, false};

void wait_until_empty(const Cgroup& cgroup) {
  const OwnedFd events = must(cgroup.open_events());
  while (!must(cgroup.empty())) {
    REQUIRE(wait_readable(events, POLLPRI));
    (void)read_to_end(events);
    REQUIRE(::lseek(events.get(), 0, SEEK_SET) == 0);
  }
}

}  // namespace

TEST_CASE("the own cgroup is found in unified and hybrid hierarchies and at odd places") {
  CHECK(must(find_cgroup(kHybrid, "9:name=systemd:/a\n0::/web.service\n")) ==
        "/sys/fs/cgroup/unified/web.service");
  CHECK(must(find_cgroup(kHybrid, "0::/\n")) == "/sys/fs/cgroup/unified");
  CHECK(must(find_cgroup("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/a/b\n")) ==
        "/sys/fs/cgroup/a/b");
  CHECK(must(find_cgroup("30 23 0:26 / /my\\040c\\134g rw - cgroup2 none rw\n", "0::/a\n")) == "/my c\\g/a");
  CHECK(must(find_cgroup("30 23 0:26 /docker/1 /cg rw - cgroup2 none rw\n", "0::/docker/1/x\n")) == "/cg/x");
  CHECK(must(find_cgroup("30 23 0:26 /docker/1 /cg rw - cgroup2 none rw\n", "0::/docker/1\n")) == "/cg");
}

TEST_CASE("a cgroup that cannot be seen is an error that says why") {
  CHECK(error_of(find_cgroup("", "0::/\n")) == "no cgroup2 is mounted");
  CHECK(error_of(find_cgroup("1 2 0:3 / /cg rw - cgroup cgroup rw\n", "0::/\n")) == "no cgroup2 is mounted");
  CHECK(error_of(find_cgroup(kHybrid, "1:cpu:/\n")) == "this process is in no cgroup2");
  const std::string outside = "30 23 0:26 /docker/1 /cg rw - cgroup2 none rw\n";
  CHECK(error_of(find_cgroup(outside, "0::/docker/12\n")) ==
        "the cgroup /docker/12 is not below what is mounted at /cg");
  CHECK(error_of(find_cgroup(kHybrid, "0::/../x\n")) ==
        "the cgroup /../x is not below what is mounted at /sys/fs/cgroup/unified");
}

TEST_CASE("a cgroup is ours if we may write it and, under systemd, if it is marked as delegated") {
  const TempDir dir;
  CHECK(error_of(check_cgroup_is_ours(dir.path(), false)) ==
        "access(" + dir.path("cgroup.procs") + "): No such file or directory");
  std::ofstream(dir.path("cgroup.procs")) << "";
  CHECK(check_cgroup_is_ours(dir.path(), false).has_value());
  CHECK(error_of(check_cgroup_is_ours(dir.path(), true)) ==
        "systemd has not delegated " + dir.path() + " (Delegate=yes in the unit would)");
  if (::setxattr(dir.path().c_str(), "user.delegate", "0", 1, 0) == -1) {
    MESSAGE("not tried: no extended attributes here");
    return;
  }
  CHECK(!check_cgroup_is_ours(dir.path(), true).has_value());
  REQUIRE(::setxattr(dir.path().c_str(), "user.delegate", "1", 1, 0) == 0);
  CHECK(check_cgroup_is_ours(dir.path(), true).has_value());
}

TEST_CASE("a cgroup fills and empties with its processes, and is removed only when empty") {
  const auto cgroup = make_cgroup();
  if (!cgroup) return;
  CHECK(must(cgroup->empty()));
  {
    const Family family(*cgroup);
    CHECK(!must(cgroup->empty()));
    CHECK(error_of(cgroup->remove()) == "rmdir(" + cgroup->path() + "): Device or resource busy");
    must(cgroup->kill());
    wait_until_empty(*cgroup);
    CHECK(family.wait() == kKilled);
  }
  must(cgroup->remove());
  CHECK(error_of(cgroup->remove()) == "rmdir(" + cgroup->path() + "): No such file or directory");
}

TEST_CASE("everything is killed one by one where the kernel cannot do it at once, below included") {
  const auto cgroup = make_cgroup();
  if (!cgroup) return;
  {
    const Cgroup below = must(Cgroup::create(cgroup->path(), "below"));
    const Family here(*cgroup);
    const Family there(below);
    must(cgroup->kill_one_by_one());
    wait_until_empty(*cgroup);
    CHECK(here.wait() == kKilled);
    CHECK(there.wait() == kKilled);
  }
  must(cgroup->remove());  // with the one below
}

TEST_CASE("an empty cgroup left from earlier is replaced") {
  const auto cgroup = make_cgroup();
  if (!cgroup) return;
  const auto again = make_cgroup();
  REQUIRE(again.has_value());
  CHECK(must(again->empty()));
  must(again->remove());
}

TEST_CASE("a cgroup that cannot be made is an error with its path") {
  CHECK(error_of(Cgroup::create("/nonexistent", "x")) == "mkdir(/nonexistent/x): No such file or directory");
}

}  // namespace liveswap::os
