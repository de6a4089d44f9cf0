#include "master/worker_tree.hpp"

#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "os/pidfd.hpp"
#include "os/process_tree.hpp"
#include "os/procfs.hpp"

namespace liveswap::master {
namespace {

constexpr int kRoundsMax = 16;  // a tree that forks faster than it is signalled is met again at the next signal
constexpr int kExecTriesMax = 2000;  // on a busy machine an exec waits for a processor
constexpr const char* kMarkVariable = "LIVESWAP_WORKER";

// A process whose first thread has ended looks like a zombie in /proc while its other threads run on; its pidfd becomes
// readable only when the last of them has ended.
bool has_ended(os::FdRef pidfd) {
  pollfd look{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&look, 1, 0) == 1;
}

// The LIVESWAP_WORKER that the process was started with. In the middle of an exec a process has neither arguments nor
// environment: that ends in microseconds and is waited for, since a process must not be overlooked for it.
std::optional<std::string> mark_of(pid_t pid) {
  for (int tries = 0; tries < kExecTriesMax; ++tries) {
    auto mark = os::read_environ(pid, kMarkVariable);
    if (!mark) return std::nullopt;
    if (mark->has_value()) return std::move(**mark);
    const auto arguments = os::read_cmdline(pid);
    if (!arguments || !arguments->empty()) return std::nullopt;
    ::sched_yield();
  }
  return std::nullopt;
}

// An orphan may have left its session, or have overwritten its environment (setproctitle does), but a worker of
// another master, or another worker's, never counts.
bool is_orphan_of(const WorkerTree& tree, const os::ProcessStat& stat) {
  if (const auto mark = mark_of(stat.pid)) return *mark == tree.mark;
  return tree.session != 0 && stat.session == tree.session;
}

struct Found {
  os::ProcessStat stat;
  os::OwnedFd pidfd;
};

// A child of `parent` that has not ended. The pid came from a list and may be another's by now, hence the second look.
std::optional<Found> hold_child(pid_t pid, pid_t parent) {
  auto pidfd = os::pidfd_open(pid);
  if (!pidfd) return std::nullopt;
  auto stat = os::read_process_stat(pid);
  if (!stat || stat->ppid != parent || has_ended(*pidfd)) return std::nullopt;
  return Found{std::move(*stat), std::move(*pidfd)};
}

std::vector<pid_t> children(pid_t parent) { return os::children_of(parent).value_or(std::vector<pid_t>{}); }

std::set<pid_t> processes_in(const os::Cgroup& cgroup) {
  const auto listed = cgroup.processes();
  return listed ? std::set<pid_t>(listed->begin(), listed->end()) : std::set<pid_t>();
}

// Those in the cgroup that are not members yet. Listed again after the pidfds were opened, so that each is
// who is meant.
void add_from_cgroup(const os::Cgroup& cgroup, const IsKnownChild& skip, std::vector<TreeMember>& members) {
  std::vector<TreeMember> found;
  for (const pid_t pid : processes_in(cgroup)) {
    if (skip(pid) || std::ranges::find(members, pid, &TreeMember::pid) != members.end()) continue;
    if (auto pidfd = os::pidfd_open(pid)) found.push_back({pid, std::move(*pidfd)});
  }
  if (found.empty()) return;
  const std::set<pid_t> still = processes_in(cgroup);
  for (TreeMember& member : found) {
    if (still.contains(member.pid)) members.push_back(std::move(member));
  }
}

}  // namespace

std::vector<TreeMember> find_members(const WorkerTree& tree, const IsKnownChild& is_known) {
  std::vector<TreeMember> members;
  const auto skip = [&](pid_t pid) {
    return pid == ::getpid() || is_known(pid) || std::ranges::count(tree.roots, pid) > 0;
  };
  const auto add_orphans = [&](pid_t parent) {
    for (const pid_t pid : children(parent)) {
      if (skip(pid)) continue;
      auto child = hold_child(pid, parent);
      if (child && is_orphan_of(tree, child->stat)) members.push_back({pid, std::move(child->pidfd)});
    }
  };
  add_orphans(::getpid());
  if (tree.guardian != 0) add_orphans(tree.guardian);
  const auto add_children = [&](pid_t parent) {
    for (const pid_t pid : children(parent)) {
      if (skip(pid)) continue;
      if (auto child = hold_child(pid, parent)) members.push_back({pid, std::move(child->pidfd)});
    }
  };
  for (const pid_t root : tree.roots) add_children(root);
  for (std::size_t i = 0; i < members.size(); ++i) add_children(members[i].pid);  // it grows while it is walked
  if (tree.cgroup != nullptr) add_from_cgroup(*tree.cgroup, skip, members);
  return members;
}

void signal_members(const WorkerTree& tree, const IsKnownChild& is_known, int signo) {
  std::set<pid_t> signalled;
  for (int round = 0; round < kRoundsMax; ++round) {
    bool anybody_new = false;
    for (const TreeMember& member : find_members(tree, is_known)) {
      if (!signalled.insert(member.pid).second) continue;
      anybody_new = true;
      (void)os::pidfd_send_signal(member.pidfd, signo);  // ESRCH: it has ended by itself
    }
    if (!anybody_new) return;
  }
}

}  // namespace liveswap::master
