#include "master/listener_holders.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "os/file.hpp"
#include "os/process_tree.hpp"
#include "os/procfs.hpp"

namespace liveswap::master {
namespace {

// A tenth of the loop's time at most, while it lasts.
constexpr std::chrono::milliseconds kSlice{2};
constexpr std::chrono::milliseconds kPause{18};

bool still_holds(pid_t pid, int number, std::uint64_t inode) {
  const auto link = os::read_link("/proc/" + std::to_string(pid) + "/fd/" + std::to_string(number));
  return link && *link == "socket:[" + std::to_string(inode) + "]";
}

}  // namespace

void ListenerHolders::look(core::AppId app, std::span<const BoundSocket> sockets) {
  Look wanted{.result = {.app = app, .holders = {}}, .inodes = {}, .processes = {}};
  for (const BoundSocket& socket : sockets) {
    struct stat info {};
    if (::fstat(socket.fd.get(), &info) == 0) wanted.inodes.emplace(info.st_ino, socket.listener);
  }
  if (wanted.inodes.empty()) return;
  if (looks_.size() > 1) {
    std::erase_if(looks_, [&](const Look& other) { return &other != &looks_.front() && other.result.app == app; });
  }
  looks_.push_back(std::move(wanted));
  if (looks_.size() == 1) timer_.start_after(std::chrono::microseconds::zero());
}

void ListenerHolders::slice() {
  Look& look = looks_.front();
  if (look.processes.empty() && look.pid == 0) {
    look.processes = os::all_processes().value_or(std::vector<pid_t>{});
    std::erase(look.processes, ::getpid());
  }
  const auto deadline = loop_.now() + kSlice;
  bool done = false;
  while (!done && loop_.now() < deadline) done = step(look);
  if (done) {
    Look ended = std::move(look);
    looks_.pop_front();
    finish(std::move(ended));
  }
  if (!looks_.empty()) timer_.start_after(kPause);
}

// True: all have been looked into.
bool ListenerHolders::step(Look& look) {
  if (!look.walk) {
    if (look.processes.empty()) return true;
    open_next(look);
    return false;
  }
  const auto entry = look.walk->next();
  if (!entry || !*entry) {
    look.walk.reset();
  } else if ((*entry)->socket_inode && look.inodes.contains(*(*entry)->socket_inode)) {
    look.candidates.push_back({look.pid, (*entry)->number, *(*entry)->socket_inode});
  }
  return false;
}

void ListenerHolders::open_next(Look& look) {
  look.pid = look.processes.back();
  look.processes.pop_back();
  auto walk = os::DescriptorWalk::open(look.pid);
  if (walk) {
    ++look.result.looked_into;
    look.walk = std::move(*walk);
  } else if (walk.error().code == EACCES || walk.error().code == EPERM) {
    ++look.result.refused;
  }
}

void ListenerHolders::finish(Look look) {
  std::erase_if(look.candidates, [this](const Candidate& candidate) { return handlers_.is_main(candidate.pid); });
  if (!look.candidates.empty()) {
    const std::set<pid_t> living = handlers_.living();
    std::map<pid_t, ListenerHolder> holders;
    for (const Candidate& candidate : look.candidates) {
      if (living.contains(candidate.pid) || !still_holds(candidate.pid, candidate.number, candidate.inode)) continue;
      ListenerHolder& holder = holders[candidate.pid];
      holder.pid = candidate.pid;
      holder.listeners.insert(look.inodes.at(candidate.inode));
    }
    for (auto& [pid, holder] : holders) {
      const auto stat = os::read_process_stat(pid);
      if (!stat) continue;  // it has just ended
      holder.comm = stat->comm;
      look.result.holders.push_back(std::move(holder));
    }
  }
  handlers_.found(look.result);
}

}  // namespace liveswap::master
