#include "master/connection_count.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "master/idle_close.hpp"
#include "os/accept_queue.hpp"
#include "os/close_aside.hpp"
#include "os/descriptor_info.hpp"
#include "os/pidfd.hpp"
#include "os/procfs.hpp"
#include "os/socket.hpp"

namespace liveswap::master {
namespace {

// A process that is about to end belongs to root as soon as it has let go of its memory, and then it has no arguments
// any more. One whose first thread alone has ended looks the same.
bool seems_to_end(pid_t pid) {
  const auto arguments = os::read_cmdline(pid);
  return arguments && arguments->empty();
}

bool has_ended(const TreeMember& process) {
  pollfd look{.fd = process.pidfd.get(), .events = POLLIN, .revents = 0};
  return ::poll(&look, 1, 0) == 1;
}

std::string refusal(pid_t pid, const os::Error& error) {
  const bool denied = error.code == EPERM || error.code == EACCES;
  const auto stat = os::read_process_stat(pid);
  const std::string name = stat ? " (" + stat->comm + ")" : "";
  constexpr std::string_view kDenied =
      "; it is another user's or not dumpable, or Yama forbids it, and CAP_SYS_PTRACE is lacking";
  return fmt::format("PID {}{}: {}{}", pid, name, error.message(), denied ? kDenied : "");
}

}  // namespace

ConnectionCount::ConnectionCount(CountTask task) : task_(std::move(task)), tcp_(task_.known, task_.listeners) {}

bool ConnectionCount::step() {
  if (!failure_.empty()) return true;
  if (walk_) {
    walk_on();
    return false;
  }
  if (at_ < task_.processes.size()) {
    begin_process();
    return false;
  }
  if (!count_tcp()) return false;
  add_queues();
  return true;
}

void ConnectionCount::begin_process() {
  const TreeMember& process = task_.processes[at_];
  const auto tcp = os::shares_network(process.pid) ? os::TcpSocketsAre::named : os::TcpSocketsAre::fetched;
  auto walk = os::ProcessSockets::open(process.pid, process.pidfd, tcp);
  if (!walk) return refused(walk.error());
  counted_.descriptors.push_back({process.pid, os::count_open_fds(process.pid).value_or(0)});
  walk_ = std::move(*walk);
}

void ConnectionCount::walk_on() {
  auto next = walk_->next();
  if (!next) return refused(next.error());
  if (next->end) return next_process();
  if (next->tcp_inode) tcp_.add(*next->tcp_inode, {at_, next->number});
  if (!next->socket) return;
  take(next->socket, task_.processes[at_].pid);
  os::close_aside(std::move(next->socket));
}

void ConnectionCount::next_process() {
  walk_.reset();
  ++at_;
}

void ConnectionCount::refused(const os::Error& error) {
  const TreeMember& process = task_.processes[at_];
  const bool seems_ending = seems_to_end(process.pid);
  counted_.certain = false;  // one that has ended may have left what it had to a child that is not on the list
  if (!has_ended(process) && !seems_ending) failure_ = refusal(process.pid, error);
  next_process();
}

bool ConnectionCount::is_ours(const os::OwnedFd& socket) const {
  const auto own = os::local_address(socket);
  return own && std::ranges::any_of(task_.listeners, [&](const os::SocketAddress& listener) {
    return os::accepted_from(*own, listener);
  });
}

// A connection that one process has sent to another, which has not received it yet, is nobody's descriptor.
void ConnectionCount::take(const os::OwnedFd& socket, pid_t pid) {
  if (os::holds_descriptors(socket)) counted_.certain = false;
  if (!is_ours(socket)) return;
  const auto facts = os::connection_facts(socket);
  if (!facts || !*facts || !seen_.insert((*facts)->cookie).second) return;
  counted_.connections.push_back({**facts, pid});
  if (task_.idle && close_if_idle(socket, **facts, *task_.idle)) ++counted_.closed_idle;
}

// True: that was all. Where the kernel does not tell, those that are left are looked at as other sockets are.
bool ConnectionCount::count_tcp() {
  const auto ended = tcp_.step([this](const SocketHolder& holder, const os::ConnectionFacts& facts) {
    take_tcp(holder, facts);
  });
  if (ended) return *ended;
  for (const SocketHolder& holder : tcp_.unknown()) fetch(holder);
  return true;
}

void ConnectionCount::fetch(const SocketHolder& holder) {
  const TreeMember& process = task_.processes[holder.process];
  auto socket = os::fetch_descriptor(process.pidfd, holder.number);
  if (!socket) return;  // closed meanwhile
  take(*socket, process.pid);
  os::close_aside(std::move(*socket));
}

void ConnectionCount::take_tcp(const SocketHolder& holder, const os::ConnectionFacts& facts) {
  if (!seen_.insert(facts.cookie).second) return;
  counted_.connections.push_back({facts, task_.processes[holder.process].pid});
  if (task_.idle && may_be_closed(facts, *task_.idle)) close_fetched_if_idle(holder, facts);
}

void ConnectionCount::close_fetched_if_idle(const SocketHolder& holder, const os::ConnectionFacts& facts) {
  auto socket = os::fetch_descriptor(task_.processes[holder.process].pidfd, holder.number);
  if (!socket) return;
  const auto now = os::connection_facts(*socket);
  const bool is_it = now && *now && (*now)->cookie == facts.cookie;  // the number can be another one's by now
  if (is_it && close_if_idle(*socket, facts, *task_.idle)) ++counted_.closed_idle;
  os::close_aside(std::move(*socket));
}

void ConnectionCount::add_queues() {
  for (const os::OwnedFd& listener : task_.own_queues) {
    const auto queue = os::accept_queue(listener);
    if (queue) counted_.queued += queue->waiting;
  }
}

std::expected<Counted, std::string> ConnectionCount::result() {
  if (!failure_.empty()) return std::unexpected(failure_);
  return std::move(counted_);
}

}  // namespace liveswap::master
