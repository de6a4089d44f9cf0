#include "os/process_tree.hpp"

#include <sys/stat.h>

#include <charconv>
#include <map>
#include <string>
#include <string_view>

#include "os/file.hpp"
#include "os/procfs.hpp"

namespace liveswap::os {
namespace {

constexpr std::size_t kChildrenMax = 16 * 1024 * 1024;  // a million children

void append_numbers(std::string_view text, std::vector<pid_t>& numbers) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    pid_t number = 0;
    const auto [after, error] = std::from_chars(at, end, number);
    if (error == std::errc{}) numbers.push_back(number);
    at = after + 1;
  }
}

// The threads of a process; of most there is one, which the number of links tells without a list.
Result<std::vector<std::string>> threads_of(pid_t pid, const std::string& tasks) {
  constexpr nlink_t kLinksOfOne = 3;  // "." and ".." are counted, too
  struct stat folder {};
  if (::stat(tasks.c_str(), &folder) == -1) return fail("stat", tasks);
  if (folder.st_nlink == kLinksOfOne) return std::vector{std::to_string(pid)};
  return list_directory(tasks);
}

// One file a thread, since each thread has its own children. An error means that the kernel was built without
// these files or that the process is gone.
Result<std::vector<pid_t>> children_by_file(pid_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  const auto threads = threads_of(pid, tasks);
  if (!threads) return std::unexpected(threads.error());
  std::vector<pid_t> children;
  bool read_any = false;
  Error last;
  for (const std::string& thread : *threads) {
    const auto text = read_file(tasks + "/" + thread + "/children", kChildrenMax);
    if (text) append_numbers(*text, children);
    read_any = read_any || text.has_value();
    if (!text) last = text.error();
  }
  if (!read_any) return std::unexpected(last);
  return children;
}

// All processes by their parent, from one walk over /proc.
Result<std::multimap<pid_t, pid_t>> processes_by_parent() {
  const auto processes = all_processes();
  if (!processes) return std::unexpected(processes.error());
  std::multimap<pid_t, pid_t> by_parent;
  for (const pid_t pid : *processes) {
    if (const auto stat = read_process_stat(pid)) by_parent.emplace(stat->ppid, pid);
  }
  return by_parent;
}

std::vector<pid_t> children_in(const std::multimap<pid_t, pid_t>& by_parent, pid_t parent) {
  std::vector<pid_t> children;
  const auto [first, last] = by_parent.equal_range(parent);
  for (auto it = first; it != last; ++it) children.push_back(it->second);
  return children;
}

}  // namespace

Result<std::vector<pid_t>> all_processes() {
  const auto names = list_directory("/proc");
  if (!names) return std::unexpected(names.error());
  std::vector<pid_t> processes;
  for (const std::string& name : *names) {
    if (name.find_first_not_of("0123456789") == name.npos) append_numbers(name, processes);
  }
  return processes;
}

Result<std::vector<pid_t>> children_of(pid_t pid) {
  if (auto children = children_by_file(pid)) return children;
  if (const auto alive = read_process_stat(pid); !alive) return std::unexpected(alive.error());
  const auto by_parent = processes_by_parent();
  if (!by_parent) return std::unexpected(by_parent.error());
  return children_in(*by_parent, pid);
}

Result<std::vector<pid_t>> descendants_of(pid_t pid) {
  auto family = children_by_file(pid);
  if (!family) return descendants_by_scan(pid);
  // The family grows while it is walked. Who is gone by now has no children: they were given to a reaper.
  for (std::size_t i = 0; i < family->size(); ++i) {
    const auto children = children_by_file((*family)[i]);
    if (children) family->insert(family->end(), children->begin(), children->end());
  }
  return family;
}

Result<std::vector<pid_t>> descendants_by_scan(pid_t pid) {
  if (const auto alive = read_process_stat(pid); !alive) return std::unexpected(alive.error());
  const auto by_parent = processes_by_parent();
  if (!by_parent) return std::unexpected(by_parent.error());
  std::vector<pid_t> family = children_in(*by_parent, pid);
  for (std::size_t i = 0; i < family.size(); ++i) {
    const std::vector<pid_t> children = children_in(*by_parent, family[i]);
    family.insert(family.end(), children.begin(), children.end());
  }
  return family;
}

}  // namespace liveswap::os
