#include "config/facts.hpp"

#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <utility>

#include "config/target_kind.hpp"
#include "config/text_file.hpp"

namespace liveswap::config {

namespace {

PathKind kind_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return PathKind::missing;
  if (S_ISDIR(status.st_mode)) return PathKind::directory;
  bool executable = S_ISREG(status.st_mode) && access(path.c_str(), X_OK) == 0;
  return executable ? PathKind::executable : PathKind::other;
}

std::uint32_t allowed_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::uint32_t>(std::max(CPU_COUNT(&set), 1));
}

// A container's share of the processors: cpu.max of our cgroup and of those above it, rounded up.
std::uint32_t cgroup_processors(std::uint32_t limit) {
  std::ifstream own("/proc/self/cgroup");
  std::string path;
  for (std::string line; std::getline(own, line);) {
    if (line.starts_with("0::/")) path = line.substr(3);
  }
  for (;; path.erase(path.rfind('/'))) {
    std::ifstream file("/sys/fs/cgroup" + path + "/cpu.max");
    std::uint64_t quota = 0, period = 0;
    if (file >> quota >> period && quota > 0 && period > 0) {  // "max" is no number: no limit
      limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, (quota + period - 1) / period));
    }
    if (path.empty()) return limit;
  }
}

int read_somaxconn() {
  std::ifstream file("/proc/sys/net/core/somaxconn");
  int value = 0;
  return file >> value && value > 0 ? value : 4096;  // Linux's default since 5.4
}

}  // namespace

Facts facts_without_accounts() {
  Facts facts;
  facts.uid = geteuid();
  facts.groups.push_back(getegid());
  int count = getgroups(0, nullptr);
  std::vector<gid_t> more(static_cast<std::size_t>(std::max(count, 0)));
  count = getgroups(static_cast<int>(more.size()), more.data());
  for (int i = 0; i < count; ++i) facts.groups.push_back(more[static_cast<std::size_t>(i)]);
  facts.processors = std::max(cgroup_processors(allowed_processors()), 1U);
  facts.somaxconn = read_somaxconn();
  std::unique_ptr<char, decltype(&std::free)> directory(get_current_dir_name(), &std::free);
  if (directory) facts.working_directory = directory.get();
  facts.kind_of = kind_of;
  for (char** variable = environ; *variable != nullptr; ++variable) facts.environment.emplace_back(*variable);
  facts.read_text = [](const std::string& path) {
    auto text = read_text_file(path);
    return text ? std::optional(std::move(*text)) : std::nullopt;
  };
  facts.read_head = [](const std::string& path) -> std::optional<std::string> {
    auto head = read_file_head(path, kHeadMax);
    return head ? std::optional(std::move(*head)) : std::nullopt;
  };
  return facts;
}

}  // namespace liveswap::config
