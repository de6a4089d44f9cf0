#include "os/cgroup.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <vector>

#include "os/file.hpp"

namespace liveswap::os {
namespace {

constexpr std::size_t kFileMax = 16 * 1024 * 1024;
constexpr int kKillRounds = 100;  // a bomb that forks faster than it is killed must not hold us for ever

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// mountinfo writes space, tab, newline and backslash as \ and three octal digits.
std::string unescape(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    const bool escaped = text[i] == '\\' && i + 3 < text.size() &&
                         std::from_chars(&text[i + 1], &text[i + 1] + 3, code, 8).ec == std::errc{};
    result.push_back(escaped ? static_cast<char>(code) : text[i]);
    if (escaped) i += 3;
  }
  return result;
}

struct Mount {
  std::string root;   // which directory of the hierarchy is mounted
  std::string point;  // and where
};

// Lines read "31 23 0:28 ROOT POINT OPTIONS [TAGS...] - TYPE SOURCE OPTIONS".
std::optional<Mount> find_cgroup2_mount(std::string_view mountinfo) {
  for (const std::string_view line : split(mountinfo, '\n')) {
    const auto fields = split(line, ' ');
    const std::size_t dash = line.find(" - cgroup2 ");
    if (fields.size() > 5 && dash != line.npos) return Mount{unescape(fields[3]), unescape(fields[4])};
  }
  return std::nullopt;
}

std::optional<std::string> find_membership(std::string_view text) {
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("0::")) return std::string(line.substr(3));
  }
  return std::nullopt;
}

bool has_delegate_mark(const std::string& directory) {
  for (const char* name : {"user.delegate", "trusted.delegate"}) {
    char value = 0;
    if (::getxattr(directory.c_str(), name, &value, 1) == 1 && value == '1') return true;
  }
  return false;
}

std::vector<std::string> directories_in(const std::string& directory) {
  std::vector<std::string> found;
  const auto names = list_directory(directory);
  if (!names) return found;
  for (const std::string& name : *names) {
    struct stat info {};
    const std::string path = directory + "/" + name;
    if (::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) found.push_back(path);
  }
  return found;
}

// Those in the directory and below it.
Result<void> add_processes(const std::string& directory, std::vector<pid_t>& processes) {
  const auto text = read_file(directory + "/cgroup.procs", kFileMax);
  if (!text) return std::unexpected(text.error());
  for (const std::string_view line : split(*text, '\n')) {
    pid_t pid = 0;
    std::from_chars(line.data(), line.data() + line.size(), pid);
    if (pid > 0) processes.push_back(pid);  // 0: one that our pid namespace does not show
  }
  for (const std::string& below : directories_in(directory)) (void)add_processes(below, processes);
  return {};
}

Result<OwnedFd> open_in(const std::string& directory, const char* file, int flags) {
  const std::string path = directory + "/" + file;
  OwnedFd fd{adopt, ::open(path.c_str(), flags | O_CLOEXEC)};
  if (!fd) return fail("open", path);
  return fd;
}

}  // namespace

Result<std::string> find_cgroup(std::string_view mountinfo, std::string_view membership) {
  const auto mount = find_cgroup2_mount(mountinfo);
  if (!mount) return fail_with(0, "no cgroup2 is mounted");
  const auto path = find_membership(membership);
  if (!path) return fail_with(0, "this process is in no cgroup2");
  const std::string root = mount->root == "/" ? "" : mount->root;
  const bool visible =
      path->starts_with(root) && (path->size() == root.size() || (*path)[root.size()] == '/');
  if (!visible || path->find("/..") != path->npos) {
    return fail_with(0, "the cgroup " + *path + " is not below what is mounted at " + mount->point);
  }
  const std::string below = path->substr(root.size());
  return mount->point + (below == "/" ? "" : below);
}

Result<std::string> own_cgroup() {
  const auto mountinfo = read_file("/proc/self/mountinfo", kFileMax);
  if (!mountinfo) return std::unexpected(mountinfo.error());
  const auto membership = read_file("/proc/self/cgroup", kFileMax);
  if (!membership) return std::unexpected(membership.error());
  return find_cgroup(*mountinfo, *membership);
}

bool runs_under_systemd() { return ::access("/run/systemd/system", F_OK) == 0; }

Result<void> check_cgroup_is_ours(const std::string& directory, bool under_systemd) {
  // To move a process from here into a child, the kernel wants the right to write both cgroup.procs.
  for (const std::string& path : {directory, directory + "/cgroup.procs"}) {
    if (::access(path.c_str(), W_OK) == -1) return fail("access", path);
  }
  if (under_systemd && !has_delegate_mark(directory)) {
    return fail_with(0, "systemd has not delegated " + directory + " (Delegate=yes in the unit would)");
  }
  return {};
}

Result<Cgroup> Cgroup::create(const std::string& parent, std::string_view name) {
  Cgroup cgroup(parent + "/" + std::string(name));
  constexpr mode_t kMode = 0755;
  if (::mkdir(cgroup.path_.c_str(), kMode) == 0) return cgroup;
  if (errno == EEXIST && cgroup.remove() && ::mkdir(cgroup.path_.c_str(), kMode) == 0) return cgroup;
  return fail("mkdir", cgroup.path_);
}

Result<OwnedFd> Cgroup::open_procs() const { return open_in(path_, "cgroup.procs", O_WRONLY); }

Result<OwnedFd> Cgroup::open_events() const { return open_in(path_, "cgroup.events", O_RDONLY); }

Result<bool> Cgroup::empty() const {
  const auto text = read_file(path_ + "/cgroup.events", kFileMax);
  if (!text) return std::unexpected(text.error());
  return text->find("populated 0") != text->npos;
}

Result<void> Cgroup::kill() const {
  const auto killed = write_existing_file(path_ + "/cgroup.kill", "1");
  return killed || killed.error().code != ENOENT ? killed : kill_one_by_one();
}

Result<std::vector<pid_t>> Cgroup::processes() const {
  std::vector<pid_t> processes;
  if (auto added = add_processes(path_, processes); !added) return std::unexpected(added.error());
  return processes;
}

// A process with a SIGKILL pending cannot fork any more, so a round without anybody new is the last.
Result<void> Cgroup::kill_one_by_one() const {
  std::set<pid_t> killed;
  for (int round = 0; round < kKillRounds; ++round) {
    const auto listed = processes();
    if (!listed) return std::unexpected(listed.error());
    bool any = false;
    for (const pid_t pid : *listed) {
      if (!killed.insert(pid).second) continue;
      ::kill(pid, SIGKILL);
      any = true;
    }
    if (!any) return {};
  }
  return fail_with(EBUSY, "kill(" + path_ + ")");
}

Result<void> Cgroup::remove() const {
  for (const std::string& below : directories_in(path_)) {
    if (const auto removed = Cgroup(below).remove(); !removed) return removed;
  }
  if (::rmdir(path_.c_str()) == -1) return fail("rmdir", path_);
  return {};
}

}  // namespace liveswap::os
