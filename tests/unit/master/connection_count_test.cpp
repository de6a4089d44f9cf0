// Goal: a worker's connections are counted, each once, whichever way the kernel has to be asked. Method: children that
// were given connections; a process that may not use netlink, as under RestrictAddressFamilies= of systemd.
#include "master/connection_count.hpp"

#include <doctest/doctest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>

#include "../os/processes.hpp"
#include "../os/sockets.hpp"

namespace liveswap::master {
namespace {

using namespace os::test;

struct Connection {
  os::OwnedFd client, server;
};

Connection connection(const Listener& listener, int type = SOCK_STREAM) {
  Connection made{.client = connected(listener.address, type), .server = {}};
  auto accepted = must(os::accept_connection(listener.socket));
  REQUIRE(accepted);
  made.server = std::move(accepted->socket);
  return made;
}

// Two processes, one worker: both have the first TCP connection, each has another socket.
struct Worker {
  Listener tcp = listening(loopback());
  Listener local = listening(must(os::SocketAddress::unix_abstract("liveswap-count-" + std::to_string(::getpid()))));
  Connection both = connection(tcp), second = connection(tcp), path = connection(local);
  Child one{holding({{both.server, 20}, {second.server, 21}, {tcp.socket, 22}})};
  Child two{holding({{both.server, 20}, {path.server, 21}, {second.client, 22}})};

  static os::SpawnRequest holding(std::vector<os::FdMapping> fds) {
    os::SpawnRequest request = shell("exec sleep 60");
    request.fds = std::move(fds);
    return request;
  }
  CountTask task() const {
    CountTask task;
    for (const Child* child : {&one, &two}) {
      task.processes.push_back({child->pid(), must(os::dup_cloexec(child->pidfd()))});
    }
    task.listeners = {tcp.address, local.address};
    return task;
  }
};

std::size_t count_all(CountTask task) {
  ConnectionCount count(std::move(task));
  while (!count.step()) {
  }
  const auto counted = count.result();
  return counted && counted->certain ? counted->connections.size() : 0;
}

// socket(AF_NETLINK, …) fails from now on.
bool give_netlink_up() {
  constexpr auto kNumber = offsetof(seccomp_data, nr), kFamily = offsetof(seccomp_data, args);
  std::array<sock_filter, 6> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kFamily),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{program.size(), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST_CASE("each connection of all of a worker's processes counts once, and a client's end does not") {
  const Worker worker;
  CHECK(count_all(worker.task()) == 3);
}

TEST_CASE("where the kernel's list of sockets may not be asked the connections are counted all the same") {
  const Worker worker;
  const pid_t pid = ::fork();
  REQUIRE(pid != -1);
  if (pid == 0) {
    const bool is_shut = give_netlink_up() && !os::TcpSockets::open();
    ::_exit(is_shut ? static_cast<int>(count_all(worker.task())) : 100);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 3);
}

}  // namespace
}  // namespace liveswap::master
