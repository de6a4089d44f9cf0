#include "os/process_tree.hpp"

#include <algorithm>
#include <charconv>
#include <thread>

#include "processes.hpp"

namespace liveswap::os {
using namespace test;

namespace {

pid_t read_pid(FdRef fd) {
  char line[32] = {};
  REQUIRE(::read(fd.get(), line, sizeof line - 1) > 0);
  return std::atoi(line);
}

bool contains(const std::vector<pid_t>& pids, pid_t pid) {
  return std::ranges::find(pids, pid) != pids.end();
}

}  // namespace

TEST_CASE("children and all descendants of a process are found, by file and by scan") {
  Pair in = pipe_pair();  // closing it ends the whole tree
  const Pair out = pipe_pair();
  SpawnRequest request = shell("exec 3<&0; (sh -c 'echo $$; read x <&3; :'; :) & read y; wait");
  request.fds = {{in.a, STDIN_FILENO}, {out.b, STDOUT_FILENO}};
  const Child top(request);
  const pid_t grandchild = read_pid(out.a);

  const auto ours = must(children_of(::getpid()));
  CHECK(contains(ours, top.pid()));
  CHECK(!contains(ours, grandchild));

  const auto children = must(children_of(top.pid()));
  REQUIRE(children.size() == 1);
  const auto family = must(descendants_of(top.pid()));
  CHECK(family == std::vector<pid_t>{children[0], grandchild});
  CHECK(must(descendants_by_scan(top.pid())) == family);
  CHECK(contains(must(all_processes()), grandchild));
  in.b.reset();
  CHECK(top.wait().code == 0);
}

TEST_CASE("a child that another thread started is found") {
  Pair in = pipe_pair();
  SpawnRequest request = shell("read x");
  request.fds = {{in.a, STDIN_FILENO}};
  SpawnedProcess process;
  bool found = false;
  std::thread([&] {
    process = must(spawn(request));
    found = contains(must(children_of(::getpid())), process.pid);
  }).join();
  CHECK(found);
  in.b.reset();
  REQUIRE(wait_readable(process.pidfd));
  CHECK(must(wait_pidfd(process.pidfd)).has_value());
}

TEST_CASE("a process without children has none, one that is gone is an error") {
  Pair in = pipe_pair();
  SpawnRequest request = shell("read x");
  request.fds = {{in.a, STDIN_FILENO}};
  const Child child(request);
  CHECK(must(children_of(child.pid())).empty());
  CHECK(must(descendants_of(child.pid())).empty());
  CHECK(must(descendants_by_scan(child.pid())).empty());
  CHECK(error_of(descendants_of(0x7ffffff0)) == "open(/proc/2147483632/stat): No such file or directory");
}

}  // namespace liveswap::os
