// Children for the tests: started by spawn(), ended and reaped by the test that started them.
#pragma once

#include <signal.h>
#include <sys/wait.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "helpers.hpp"
#include "os/pidfd.hpp"
#include "os/spawn.hpp"

namespace liveswap::os::test {

inline SpawnRequest shell(std::string script) {
  SpawnRequest request;
  request.path = "/bin/sh";
  request.argv = {"sh", "-c", std::move(script)};
  request.environment = {"PATH=/usr/bin:/bin"};
  return request;
}

// A child that lives as long as this object.
class Child {
 public:
  explicit Child(const SpawnRequest& request) : process_(must(spawn(request))) {}
  explicit Child(std::string script) : Child(shell(std::move(script))) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    (void)pidfd_send_signal(process_.pidfd, SIGKILL);
    ::waitpid(process_.pid, nullptr, 0);
  }
  [[nodiscard]] pid_t pid() const { return process_.pid; }
  [[nodiscard]] FdRef pidfd() const { return process_.pidfd; }
  [[nodiscard]] ExitStatus wait() const {
    REQUIRE(wait_readable(process_.pidfd));
    const auto status = must(wait_pidfd(process_.pidfd));
    REQUIRE(status.has_value());
    return *status;
  }

 private:
  SpawnedProcess process_;
};

// Runs a program to its end and returns what it wrote to its standard output.
inline std::string output_of(SpawnRequest request) {
  Pair pipe = pipe_pair();
  request.fds.push_back({pipe.b, STDOUT_FILENO});
  const Child child(request);
  pipe.b.reset();
  std::string output = read_to_end(pipe.a);
  (void)child.wait();
  return output;
}

}  // namespace liveswap::os::test
