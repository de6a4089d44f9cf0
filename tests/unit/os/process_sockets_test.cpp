// Goal: the sockets of another process are found and fetched, and nothing else of it is touched. Method: children that
// were given what is looked for.
#include "os/process_sockets.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "processes.hpp"
#include "sockets.hpp"

namespace liveswap::os {
namespace {

using namespace test;

ino_t inode(FdRef fd) {
  struct stat info {};
  REQUIRE(::fstat(fd.get(), &info) == 0);
  return info.st_ino;
}

SpawnRequest sleeper(std::vector<FdMapping> fds) {
  SpawnRequest request = shell("exec sleep 60");
  request.fds = std::move(fds);
  return request;
}

std::map<int, OwnedFd> sockets_of(const Child& child) {
  auto walk = must(ProcessSockets::open(child.pid(), child.pidfd()));
  std::map<int, OwnedFd> sockets;
  for (;;) {
    auto step = must(walk.next());
    if (step.end) return sockets;
    if (step.socket) sockets.emplace(step.number, std::move(step.socket));
  }
}

TEST_CASE("a process's sockets are fetched under their numbers, and nothing but sockets") {
  const auto before = count_own_fds();
  {
    const Listener listener = listening(loopback());
    const Pair pipe = pipe_pair();
    const Pair pair = socket_pair(SOCK_STREAM);
    const Child child(sleeper({{listener.socket, 7}, {pipe.a, 8}, {pair.a, 500}}));
    const auto sockets = sockets_of(child);
    REQUIRE(sockets.contains(7));
    REQUIRE(sockets.contains(500));
    CHECK_FALSE(sockets.contains(8));
    CHECK(inode(sockets.at(7)) == inode(listener.socket));
    CHECK(inode(sockets.at(500)) == inode(pair.a));
    for (const auto& [number, socket] : sockets) CHECK(must(is_cloexec(socket)));
  }
  CHECK(count_own_fds() == before);
}

TEST_CASE("sockets of TCP are only named where that is wanted, and no others") {
  const Listener listener = listening(loopback());
  const Listener udp = bound(loopback(), SOCK_DGRAM);
  const Pair pair = socket_pair(SOCK_STREAM);
  const Child child(sleeper({{listener.socket, 7}, {udp.socket, 8}, {pair.a, 9}}));
  auto walk = must(ProcessSockets::open(child.pid(), child.pidfd(), TcpSocketsAre::named));
  std::map<int, bool> fetched;
  for (;;) {
    const auto step = must(walk.next());
    if (step.end) break;
    if (step.socket) fetched[step.number] = true;
    if (!step.tcp_inode) continue;
    fetched[step.number] = false;
    CHECK(*step.tcp_inode == inode(listener.socket));
  }
  CHECK(fetched == std::map<int, bool>{{7, false}, {8, true}, {9, true}});
}

TEST_CASE("every descriptor of very many is looked at once") {
  const Listener listener = listening(loopback());
  std::vector<FdMapping> fds;
  for (int number = 10; number < 1010; ++number) fds.push_back({listener.socket, number});
  const Child child(sleeper(std::move(fds)));
  auto walk = must(DescriptorWalk::open(child.pid()));
  std::vector<int> numbers;
  while (const auto entry = must(walk.next())) {
    if (entry->number < 10) continue;
    numbers.push_back(entry->number);
    CHECK(entry->socket_inode == inode(listener.socket));
  }
  std::ranges::sort(numbers);
  REQUIRE(numbers.size() == 1000);
  CHECK(numbers.front() == 10);
  CHECK(numbers.back() == 1009);
}

TEST_CASE("a process that ends while it is walked over is an error, not a process without sockets") {
  const Listener listener = listening(loopback());
  const Child child(sleeper({{listener.socket, 7}}));
  auto walk = must(ProcessSockets::open(child.pid(), child.pidfd()));
  must(pidfd_send_signal(child.pidfd(), SIGKILL));
  (void)child.wait();
  CHECK(error_of(walk.next()) == "getdents64(/proc/PID/fd): No such file or directory");
}

TEST_CASE("a descriptor that is not there cannot be fetched") {
  const Child child(sleeper({}));
  CHECK(error_of(fetch_descriptor(child.pidfd(), 77)) == "pidfd_getfd(77): Bad file descriptor");
}

}  // namespace
}  // namespace liveswap::os
