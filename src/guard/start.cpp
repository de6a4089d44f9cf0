#include "guard/start.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "wire/guard_messages.hpp"

namespace liveswap::guard {
namespace {

constexpr int kNotExecuted = 126;  // as a shell says that a program cannot be executed

std::string assignment(std::string_view name, int value) {
  return std::string(name) + "=" + std::to_string(value);
}

// NOTIFY_SOCKET is the guardian's alone, which is the process that systemd listens to.
std::vector<char*> environment_of(const Inheritance& inheritance, std::string& channel, std::string& notifies) {
  std::vector<char*> variables;
  for (char** variable = inheritance.environment; *variable != nullptr; ++variable) {
    const bool is_ours = inheritance.notifies && std::string_view(*variable).starts_with("NOTIFY_SOCKET=");
    if (!is_ours) variables.push_back(*variable);
  }
  variables.push_back(channel.data());
  if (inheritance.notifies) variables.push_back(notifies.data());
  variables.push_back(nullptr);
  return variables;
}

constexpr int kGuardiansOomScore = -900;
constexpr const char* kOomScore = "/proc/self/oom_score_adj";

void write_oom_score(int score) {
  const int file = ::open(kOomScore, O_WRONLY | O_CLOEXEC);
  if (file == -1) return;
  (void)::dprintf(file, "%d", score);
  ::close(file);
}

[[noreturn]] void become_master(int program, int channel, const Inheritance& inheritance, char** variables) {
  (void)::setsid();
  write_oom_score(inheritance.oom_score);
  (void)::setrlimit(RLIMIT_NOFILE, &inheritance.descriptors);
  (void)::sigprocmask(SIG_SETMASK, &inheritance.signals, nullptr);
  (void)::fcntl(channel, F_SETFD, 0);
  ::execveat(program, "", inheritance.arguments, variables, AT_EMPTY_PATH);
  ::dprintf(STDERR_FILENO, "liveswap: the master cannot be executed: errno %d\n", errno);
  ::_exit(kNotExecuted);
}

}  // namespace

int lower_oom_score() {
  std::array<char, 16> text{};
  const int file = ::open(kOomScore, O_RDONLY | O_CLOEXEC);
  const ssize_t size = file == -1 ? 0 : ::read(file, text.data(), text.size());
  if (file != -1) ::close(file);
  int before = 0;
  (void)std::from_chars(text.data(), text.data() + std::max<ssize_t>(size, 0), before);
  if (before > kGuardiansOomScore) write_oom_score(kGuardiansOomScore);
  return before;
}

Started start_master(int program, const Inheritance& inheritance) {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return {};
  std::string channel = assignment(wire::guard::kChannelVariable, ends[1]);
  std::string notifies = assignment(wire::guard::kNotifyVariable, 1);
  const std::vector<char*> variables = environment_of(inheritance, channel, notifies);
  const pid_t pid = ::fork();
  if (pid == 0) become_master(program, ends[1], inheritance, const_cast<char**>(variables.data()));
  const int error = errno;
  ::close(ends[1]);
  if (pid != -1) return {pid, ends[0]};
  ::close(ends[0]);
  errno = error;
  return {};
}

}  // namespace liveswap::guard
