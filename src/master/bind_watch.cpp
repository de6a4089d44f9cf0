#include "master/bind_watch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "config/address.hpp"
#include "master/program_address.hpp"
#include "master/workers_state.hpp"
#include "os/descriptor_info.hpp"
#include "os/pidfd.hpp"
#include "os/process_sockets.hpp"
#include "os/remote_process.hpp"
#include "os/socket_option.hpp"

namespace liveswap::master {
namespace {

std::uint64_t cookie_of(os::FdRef socket) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size) != 0) return 0;
  return cookie;
}

// What the program has set so far on its own socket, as far as it is not the same for all who listen there.
void copy_options(os::FdRef from, os::FdRef to) {
  for (const os::SocketOption& option :
       {os::option::kKeepalive, os::option::kNoDelay, os::option::kDeferAccept, os::option::kReuseAddress}) {
    if (const auto value = os::get_option(from, option)) (void)os::set_option(to, option, *value);
  }
  if (const auto nonblock = os::is_nonblock(from)) (void)os::set_nonblock(to, *nonblock);
}

}  // namespace

BindWatch::BindWatch(loop::Loop& loop, ProgramSockets& sockets, const core::Spawn& worker,
                     std::shared_ptr<const Release> release, Handlers handlers)
    : loop_(loop),
      program_sockets_(sockets),
      worker_(worker),
      release_(std::move(release)),
      handlers_(std::move(handlers)) {}

std::vector<BoundSocket> BindWatch::bound() const {
  std::vector<BoundSocket> bound;
  for (const auto& [cookie, socket] : sockets_) {
    if (socket.listens) bound.push_back(socket.placed.at);
  }
  return bound;
}

bool BindWatch::has_process(pid_t pid) const {
  const std::vector<pid_t> own = handlers_.processes();
  return std::ranges::find(own, pid) != own.end();
}

// ---- calls ----

// What cannot be read is left to the kernel, which knows better what is wrong with it.
BindWatch::Reply BindWatch::bind(BindCall call, std::span<const std::byte> address) {
  constexpr Reply kGoOn{.go_on = true};
  was_called_ = true;
  const auto wanted = program_address(address, call.socket, call.thread);
  if (!wanted) return kGoOn;
  if (const auto known = sockets_.find(cookie_of(call.socket)); known != sockets_.end()) {
    const bool same = known->second.wanted == *wanted;  // the call was interrupted, and comes again
    return same ? Reply{} : kGoOn;
  }
  return place(std::move(call), *wanted);
}

ServerRequest BindWatch::request_for(const BindCall& call, const core::Address& wanted) {
  ServerRequest request{.worker = worker_, .plan = release_->plan, .identity = {}, .address = wanted};
  const auto only = os::get_option(call.socket, os::option::kV6Only);
  request.v6only = only && *only != 0;
  request.steered = true;
  const auto status = os::read_thread_status(call.thread);
  if (!status) return request;
  // Only root's processes have other rights than the master.
  if (::geteuid() == 0 && status->file_uid != 0) {
    request.identity = os::FileIdentity{status->file_uid, status->file_gid, status->groups};
  }
  request.path_mode = 0777U & ~status->umask;
  const auto same_user_namespace = os::shares_namespace(call.thread, "user");
  request.may_bind_any_port =
      same_user_namespace && *same_user_namespace && status->has_capability(CAP_NET_BIND_SERVICE);
  return request;
}

// Clients' datagram sockets have ports, too, and what is beyond on_demand_max is as if liveswap were not there.
bool BindWatch::is_ours(const ServerRequest& request) {
  if (program_sockets_.has_place(request)) return true;
  const core::Address& address = request.address;
  if (address.kind == core::SocketKind::udp && is_ephemeral(address.port)) return false;
  if (!program_sockets_.is_full(worker_.app, release_->plan)) return true;
  tell_once("has as many listeners as on_demand_max allows: others it binds by itself, and upgrades do not keep them");
  return false;
}

BindWatch::Reply BindWatch::place(BindCall call, const core::Address& wanted) {
  const ServerRequest request = request_for(call, wanted);
  if (!is_ours(request)) return {.go_on = true};
  let_go_of_abandoned();
  const auto nobody_polls = os::is_in_epoll(call.pid, call.descriptor);
  const bool may_inherit = nobody_polls && !*nobody_polls;
  auto copy = os::dup_cloexec(call.socket);
  if (!copy) return {.error = copy.error().code};
  auto placed = program_sockets_.bind(request, std::move(*copy), may_inherit);
  if (!placed) {
    handlers_.problem(placed.error().text);
    return {.error = placed.error().error};
  }
  if (placed->is_inherited && !inherit(call, placed->at.fd)) return {.error = EADDRINUSE};
  const bool listens = core::is_datagram(placed->at.kind);
  const std::uint64_t cookie = cookie_of(placed->at.fd);
  sockets_.insert_or_assign(cookie, Socket{std::move(*placed), wanted, listens});
  watch_process(call.pid, std::move(call.pidfd));
  if (listens) handlers_.listens();
  return {};
}

// The caller's descriptor becomes one of the socket that was left, which listens already.
bool BindWatch::inherit(const BindCall& call, os::FdRef left) {
  copy_options(call.socket, left);
  const auto put = call.put(left);
  if (!put) handlers_.problem("cannot be given what waits for it: " + put.error().message());
  return put.has_value();
}

BindWatch::Reply BindWatch::listen(BindCall call, int backlog) {
  was_called_ = true;
  const auto known = sockets_.find(cookie_of(call.socket));
  if (known == sockets_.end()) return {.go_on = true};
  Socket& its = known->second;
  if (const auto done = program_sockets_.listen({worker_, true}, its.placed, backlog); !done) {
    handlers_.problem(done.error().text);
    return {.error = done.error().error};
  }
  watch_process(call.pid, std::move(call.pidfd));
  its.listens = true;
  handlers_.listens();
  return {};
}

// Programs tidy up before they bind a path: but there it is found by clients of the generation that serves.
BindWatch::Reply BindWatch::unlink(pid_t thread, int directory, std::string_view path) {
  constexpr Reply kGoOn{.go_on = true};
  const auto absolute = absolute_path_of(thread, directory, path);
  if (!absolute) return kGoOn;
  ServerRequest request{.worker = worker_, .plan = release_->plan, .identity = {}, .address = {}};
  request.address = {.kind = core::SocketKind::unix_stream, .path = *absolute, .text = *absolute};
  if (program_sockets_.has_place(request)) return {};
  request.address.kind = core::SocketKind::unix_seqpacket;
  return program_sockets_.has_place(request) ? Reply{} : kGoOn;
}

// ---- from master to master ----

BindWatchState BindWatch::save() const {
  BindWatchState state{.sockets = {}, .processes = {}, .was_called = was_called_};
  for (const auto& [cookie, socket] : sockets_) {
    ProgramSocketState its{.cookie = cookie,
                           .listener = socket.placed.at.listener,
                           .index = socket.placed.at.index,
                           .wanted = socket.wanted,
                           .listens = socket.listens,
                           .is_inherited = socket.placed.is_inherited,
                           .waiting = {}};
    if (socket.placed.waiting) its.waiting = socket.placed.waiting->own_state();
    state.sockets.push_back(std::move(its));
  }
  for (const auto& [pid, process] : processes_) state.processes.push_back(pid);
  return state;
}

void BindWatch::restore(BindWatchState state, std::vector<std::string>& problems) {
  was_called_ = state.was_called;
  for (ProgramSocketState& saved : state.sockets) {
    auto placed = program_sockets_.restore(saved, cookie_of);
    if (placed) {
      sockets_.insert_or_assign(saved.cookie, Socket{std::move(*placed), std::move(saved.wanted), saved.listens});
    } else {
      problems.push_back(std::move(placed.error()));
    }
  }
  const std::vector<pid_t> own = handlers_.processes();
  for (const pid_t pid : state.processes) {
    auto pidfd = os::pidfd_open(pid);
    const bool is_own = std::ranges::find(own, pid) != own.end();
    if (pidfd && is_own) watch_process(pid, std::move(*pidfd));
  }
}

// ---- processes ----

void BindWatch::watch_process(pid_t pid, os::OwnedFd pidfd) {
  if (processes_.contains(pid)) return;
  Process& process = processes_[pid];
  process.pidfd = std::move(pidfd);
  auto watch = loop::FdWatch::open(loop_, process.pidfd, {.readable = true},
                                   [this, pid](loop::Readiness) { process_ended(pid); });
  if (watch) process.watch = std::move(*watch);
}

void BindWatch::process_ended(pid_t pid) {
  processes_.erase(pid);
  let_go_of_abandoned();
}

// Which of them that process has; none: it may not be looked into.
std::optional<std::set<std::uint64_t>> BindWatch::held_by(pid_t pid, os::FdRef pidfd) const {
  std::set<std::uint64_t> held;
  auto sockets = os::ProcessSockets::open(pid, pidfd);
  for (;;) {
    const auto step = sockets ? sockets->next() : std::unexpected(sockets.error());
    if (!step && (step.error().code == ENOENT || step.error().code == ESRCH)) return held;  // it has ended
    if (!step) return std::nullopt;
    if (step->end) return held;
    const std::uint64_t cookie = step->socket ? cookie_of(step->socket) : 0;
    if (sockets_.contains(cookie)) held.insert(cookie);
  }
}

// The end of those that have one of ours is waited for. Where one may not be looked into, nothing is let go of.
void BindWatch::let_go_of_abandoned() {
  std::set<std::uint64_t> held;
  for (const pid_t pid : handlers_.processes()) {
    auto pidfd = os::pidfd_open(pid);
    if (!pidfd) continue;
    const auto its = held_by(pid, *pidfd);
    if (!its) return;
    held.insert(its->begin(), its->end());
    if (!its->empty()) watch_process(pid, std::move(*pidfd));
  }
  for (auto next = sockets_.begin(); next != sockets_.end();) {
    const auto here = next++;
    if (held.contains(here->first)) continue;
    program_sockets_.abandon(here->second.placed);
    sockets_.erase(here);
  }
}

void BindWatch::tell_once(std::string text) {
  if (told_.insert(text).second) handlers_.problem(text);
}

}  // namespace liveswap::master
