#include "master/guardian_start.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <string_view>
#include <utility>

#include "master/own_programs.hpp"
#include "os/own_environment.hpp"
#include "os/pidfd.hpp"
#include "os/socket.hpp"
#include "os/spawn.hpp"
#include "wire/guard_messages.hpp"

namespace liveswap::master {
namespace {

namespace guard = wire::guard;

// In the child: the first numbers that are free.
constexpr int kBinaryInChild = 3;
constexpr int kChannelInChild = 4;
constexpr int kParentInChild = 5;

std::string assignment(std::string_view variable, int number) {
  return std::string(variable) + "=" + std::to_string(number);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> result;
  for (const std::string& word : words) result.push_back(const_cast<char*>(word.c_str()));  // NOLINT: exec reads only
  result.push_back(nullptr);
  return result;
}

std::optional<std::string> take_variable(std::string_view name) {
  const std::string text(name);
  const char* value = ::getenv(text.c_str());
  if (value == nullptr) return std::nullopt;
  std::string taken = value;
  ::unsetenv(text.c_str());
  return taken;
}

}  // namespace

os::Result<GuardianPrograms> open_guardian_programs(std::span<char* const> arguments) {
  auto guardian = open_guardian_program();
  if (!guardian) return os::fail_with(0, guardian.error());
  os::OwnedFd self{os::adopt, ::open("/proc/self/exe", O_PATH | O_CLOEXEC)};
  if (!self) return os::fail("open", "/proc/self/exe");
  return GuardianPrograms{std::move(*guardian), std::move(self), {arguments.begin(), arguments.end()}};
}

os::Error become_guardian(const GuardianPrograms& programs) {
  if (const auto passed = os::set_cloexec(programs.master, false); !passed) return passed.error();
  auto variables = os::own_environment();
  variables.push_back(assignment(guard::kBinaryVariable, programs.master.get()));
  ::execveat(programs.guardian.get(), "", pointers(programs.arguments).data(), pointers(variables).data(),
             AT_EMPTY_PATH);
  os::Error error = os::fail("exec", "liveswap-guardian").error();
  (void)os::set_cloexec(programs.master, true);
  return error;
}

std::optional<os::OwnedFd> take_guardian_channel() {
  const auto text = take_variable(guard::kChannelVariable);
  if (!text) return std::nullopt;
  int number = -1;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  if (!os::is_open(os::FdRef(number)) || !os::set_cloexec(os::FdRef(number), true)) return std::nullopt;
  return os::OwnedFd{os::adopt, number};
}

bool take_guardian_notifies() { return take_variable(guard::kNotifyVariable).has_value(); }

os::Error go_on_as(os::FdRef binary, const std::vector<std::string>& arguments, const InPlace& process) {
  if (const auto passed = os::set_cloexec(process.channel, false); !passed) return passed.error();
  auto variables = os::own_environment();
  variables.push_back(assignment(guard::kChannelVariable, process.channel.get()));
  variables.push_back(assignment(guard::kInPlaceVariable, process.guardian));
  if (process.notifies) variables.push_back(assignment(guard::kNotifyVariable, 1));
  ::execveat(binary.get(), "", pointers(arguments).data(), pointers(variables).data(), AT_EMPTY_PATH);
  os::Error error = os::fail("exec", "liveswap").error();
  (void)os::set_cloexec(process.channel, true);
  return error;
}

pid_t take_guardian_of_before() {
  const auto text = take_variable(guard::kInPlaceVariable);
  pid_t pid = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), pid);
  return pid;
}

os::Result<ChildGuardian> start_guardian_below(const GuardianPrograms& programs) {
  auto pair = os::open_socket_pair(SOCK_SEQPACKET);
  if (!pair) return std::unexpected(pair.error());
  auto self = os::pidfd_open(::getpid());
  if (!self) return std::unexpected(self.error());
  os::SpawnRequest request;
  request.executable = programs.guardian;
  request.argv = programs.arguments;
  request.environment = os::own_environment();
  request.environment.push_back(assignment(guard::kBinaryVariable, kBinaryInChild));
  request.environment.push_back(assignment(guard::kChannelVariable, kChannelInChild));
  request.environment.push_back(assignment(guard::kParentVariable, kParentInChild));
  request.fds = {{os::FdRef(STDIN_FILENO), STDIN_FILENO},   {os::FdRef(STDOUT_FILENO), STDOUT_FILENO},
                 {os::FdRef(STDERR_FILENO), STDERR_FILENO}, {programs.master, kBinaryInChild},
                 {pair->second, kChannelInChild},           {*self, kParentInChild}};
  auto spawned = os::spawn(request);
  if (!spawned) return std::unexpected(spawned.error());
  return ChildGuardian{spawned->pid, std::move(spawned->pidfd), std::move(pair->first)};
}

}  // namespace liveswap::master
