// The last step: the program is found as a shell would find it, and executed.
#include <span>

#include "launch/steps.hpp"
#include "launch/system.hpp"
#include "wire/slice.hpp"

namespace liveswap::launch {
namespace {

constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";  // for a program without PATH

// argv and envp as the kernel wants them. The texts are those of the plan, where they lie; only the variables
// that hold the process id are written here.
struct Vectors {
  const char** arguments = nullptr;
  const char** variables = nullptr;
};

const char** append(const char** to, wire::FieldList texts) {
  for (const std::string_view text : texts) *to++ = text.data();
  return to;
}

std::size_t bytes_needed(const wire::LaunchPlanView& plan) {
  const std::size_t pointers =
      std::size_t{plan.argument_count()} + plan.variable_count() + plan.pid_variable_count() + 2;
  constexpr std::size_t kPidTextMax = 24;  // '=', the digits of any number, NUL
  return pointers * sizeof(char*) + plan.pid_variables().bytes().size() +
         plan.pid_variable_count() * kPidTextMax;
}

// 0 or an errno.
int make_vectors(const wire::LaunchPlanView& plan, Vectors& vectors) {
  const long pages = sys::map_memory(bytes_needed(plan));
  if (pages < 0) return static_cast<int>(-pages);
  const char** next = reinterpret_cast<const char**>(pages);
  vectors.arguments = next;
  next = append(next, plan.arguments());
  *next++ = nullptr;
  vectors.variables = next;
  next = append(next, plan.variables());
  char* text = reinterpret_cast<char*>(next + plan.pid_variable_count() + 1);
  const wire::DecimalText pid{static_cast<std::uint64_t>(sys::call(SYS_getpid))};
  for (const std::string_view name : plan.pid_variables()) {
    *next++ = text;
    for (const std::string_view part : {name, std::string_view{"="}, pid.view(), std::string_view{"", 1}}) {
      for (const char c : part) *text++ = c;
    }
  }
  *next = nullptr;
  return 0;
}

std::string_view search_path(const wire::LaunchPlanView& plan) {
  constexpr std::string_view kName = "PATH=";
  for (const std::string_view variable : plan.variables()) {
    if (variable.starts_with(kName)) return wire::slice(variable, kName.size());
  }
  return kDefaultPath;
}

int try_execute(const char* path, const Vectors& vectors) {
  return static_cast<int>(-sys::call(SYS_execve, path, vectors.arguments, vectors.variables));
}

// Whether a failure in one directory of PATH leaves the others to be tried, as execvp(3) has it.
bool goes_on(int error) {
  return error == ENOENT || error == ENOTDIR || error == EACCES || error == ENODEV || error == ESTALE ||
         error == ETIMEDOUT || error == ELOOP || error == ENAMETOOLONG;
}

// The interpreter that the first line of a script names; empty: it has no such line.
std::string_view interpreter_of(std::span<const char> start) {
  const std::string_view text{start.data(), start.size()};
  if (!text.starts_with("#!")) return {};
  const std::size_t from = text.find_first_not_of(" \t", 2);
  if (from == std::string_view::npos) return {};
  return wire::slice(text, from, text.find_first_of(" \t\r\n", from) - from);
}

// Two errors of exec name the program where something about its contents is meant.
std::string_view explain(const char* path, int error, TextBuffer& scratch) {
  scratch.clear();
  scratch.add(path);
  if (error != ENOENT && error != ENOEXEC) return scratch.view();
  const long fd = sys::open(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return scratch.view();
  char start[256];
  const long size = sys::call_uninterrupted(SYS_read, fd, start, sizeof start);
  sys::close(static_cast<int>(fd));
  if (size < 0) return scratch.view();
  const std::span<const char> head{start, static_cast<std::size_t>(size)};
  const bool is_elf = std::string_view{head.data(), head.size()}.starts_with("\177ELF");
  const std::string_view interpreter = interpreter_of(head);
  if (error == ENOENT && is_elf) scratch.add(" (the loader that it asks for)");
  if (error == ENOENT && !interpreter.empty()) scratch.add(" (its interpreter ").add(interpreter).add(")");
  if (error == ENOEXEC && !is_elf && interpreter.empty()) scratch.add(" (no program, and no #! line)");
  return scratch.view();
}

// Tries each directory of PATH in turn; only returns if none had a program that could be executed. PATH itself is not
// told: it is long, and known to whoever set it.
Failure search_and_execute(Launch& launch, const Vectors& vectors) {
  const std::string_view program = launch.plan.program();
  const std::string_view path = search_path(launch.plan);
  int error = ENOENT;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end =
        path.find(':', start) == std::string_view::npos ? path.size() : path.find(':', start);
    const std::string_view directory = wire::slice(path, start, end - start);
    start = end + 1;
    TextBuffer candidate;
    candidate.add(directory.empty() ? "." : directory).add("/").add(program);
    const int failed = try_execute(candidate.c_str(), vectors);
    if (!goes_on(failed)) return {explain(candidate.c_str(), failed, launch.scratch), failed};
    if (failed == EACCES && error != EACCES) {
      error = EACCES;
      launch.scratch.clear();
      launch.scratch.add(candidate.view());
    }
  }
  if (error == EACCES) return {launch.scratch.add(" (in no other directory of PATH)").view(), error};
  launch.scratch.clear();
  launch.scratch.add(program).add(" (in no directory of ");
  launch.scratch.add(path.data() == kDefaultPath.data() ? kDefaultPath : "PATH").add(")");
  return {launch.scratch.view(), error};
}

}  // namespace

Failure execute(Launch& launch) {
  Vectors vectors;
  if (const int error = make_vectors(launch.plan, vectors); error != 0) return {"argument list", error};
  if (const int error = launch.channel.send_executing(); error != 0) return {"channel", error};
  const std::string_view program = launch.plan.program();
  if (program.find('/') == std::string_view::npos) return search_and_execute(launch, vectors);
  const int error = try_execute(program.data(), vectors);
  return {explain(program.data(), error, launch.scratch), error};
}

}  // namespace liveswap::launch
