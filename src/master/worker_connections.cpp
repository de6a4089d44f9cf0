// What belongs to a worker when its connections are counted: the third part of worker_process.hpp.
#include <sys/stat.h>

#include <utility>

#include "master/worker_process.hpp"
#include "os/socket.hpp"

namespace liveswap::master {
namespace {

void add_held(std::vector<TreeMember>& members, const WatchedProcess& process) {
  auto pidfd = os::dup_cloexec(process.pidfd());
  if (pidfd) members.push_back({process.pid(), std::move(*pidfd)});
}

// It is no connection, which nobody needs to find out then.
void add_listener(CountTask& task, os::FdRef socket) {
  const auto address = os::local_address(socket);
  if (address) task.listeners.push_back(*address);
  struct stat info {};
  if (::fstat(socket.get(), &info) == 0) (*task.known)[info.st_ino] = KnownSocket::other();
}

}  // namespace

std::vector<TreeMember> WorkerProcess::processes() const {
  std::vector<TreeMember> all;
  if (main_) add_held(all, *main_);
  for (const auto& process : former_) add_held(all, *process);
  if (main_ || leftovers_) {
    for (TreeMember& other : find_others()) all.push_back(std::move(other));
  }
  return all;
}

std::optional<CountTask> WorkerProcess::count_task(bool close_idle) const {
  CountTask task{.processes = processes(), .listeners = {}, .own_queues = {}, .idle = {}, .known = known_sockets_};
  if (task.processes.empty()) return std::nullopt;
  if (close_idle) task.idle = release_->plan.policy.drain_idle;
  for (const BoundSocket& socket : context_.setup.sockets_used_by(ids_.app)) add_listener(task, socket.fd);
  if (!context_.setup.own_sockets_of) return task;
  for (const OwnSocket& own : context_.setup.own_sockets_of(ids_)) {
    add_listener(task, own.fd);  // a path has another one for each of its sides
    if (!own.serves_alone) continue;
    auto queue = os::dup_cloexec(own.fd);
    if (queue) task.own_queues.push_back(std::move(*queue));
  }
  return task;
}

core::Note WorkerProcess::note(core::NoteKind kind) const {
  core::Note note;
  note.kind = kind;
  note.app = ids_.app;
  note.generation = ids_.generation;
  note.release = ids_.release;
  note.worker = ids_.worker;
  note.slot = ids_.slot;
  return note;
}

}  // namespace liveswap::master
