// What all workers share. Owned by Workers, which outlives each of them.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "loop/loop.hpp"
#include "master/adoption.hpp"
#include "master/bound_socket.hpp"
#include "master/children.hpp"
#include "master/endpoint.hpp"
#include "master/keeper.hpp"
#include "master/launcher.hpp"
#include "master/log.hpp"
#include "master/output.hpp"
#include "master/post.hpp"
#include "master/program_sockets.hpp"
#include "master/release.hpp"
#include "master/server_request.hpp"
#include "os/descriptor_limit.hpp"

namespace liveswap::master {

// The open sockets of these listeners, in that order, as they are for that worker; see Listeners::sockets_for.
using SocketsFor = std::function<std::expected<std::vector<BoundSocket>, std::string>(
    const SocketUser& user, std::span<const std::string> names)>;
// The open sockets of all listeners that the app uses, those included that its workers have opened on demand.
using SocketsUsedBy = std::function<std::vector<BoundSocket>(core::AppId app)>;
// The worker's sockets at steered listeners. None for listeners that are shared: there the next generation accepts.
using OwnSocketsOf = std::function<std::vector<OwnSocket>(const core::Spawn& worker)>;
// For workers that ask for their servers; see OnDemand.
using ServerFor = std::function<std::expected<BoundSocket, ServerRefusal>(const ServerRequest&)>;
using ServerData =
    std::function<std::string(core::AppId app, const std::string& key, const std::string& offered)>;

[[nodiscard]] inline SocketUser user_of(const Release& release, const core::Spawn& worker) {
  return {worker, has_own_queue(release.plan.policy)};
}

struct WorkerSetup {
  loop::Loop& loop;
  Launcher& launcher;
  Output& output;
  const Log& log;
  Post post;
  SocketsFor sockets_for;
  std::function<void(const core::Spawn&)> leaving;  // these three: see Listeners
  std::function<bool(const core::Spawn&)> starved;
  std::function<void(core::WorkerId)> left;  // nothing is left of the worker: its sockets are free
  SocketsUsedBy sockets_used_by;
  OwnSocketsOf own_sockets_of;  // none: no generation has any
  ServerFor server_for;
  ServerData server_data;
  std::function<std::expected<void, std::string>(const SocketUser&, const core::AppPlan&, std::vector<AdoptedSocket>)>
      adopt;
  ProgramSockets* program_sockets = nullptr;  // for workers that bind by themselves
  // What those load with `bind_by: preload`, or why it is missing.
  std::expected<std::string, std::string> bind_library{};
  std::string runtime_dir;  // absolute, the master's alone
  StandardStreams own_streams;
  std::string cgroup_parent;  // below which each worker gets a cgroup of its own; "": none does
  std::optional<os::DescriptorLimit> descriptor_limit;  // of workers whose release sets none
  // A draining worker has no connection open, seen twice in a row; again after it had some. None: nobody wants to know.
  std::function<void(core::WorkerId)> worker_empty;
  Keeper* keeper = nullptr;  // of copies of their descriptors for the next master; none: none are kept
  bool takes_over = false;   // workers of an earlier master run
};

struct WorkerContext {
  WorkerSetup setup;
  Children children;
  pid_t guardian = 0;  // 0: there is none
  std::string token;  // of this master's life: marks its workers' processes, whoever else runs workers
  std::function<void(core::WorkerId)> bury;  // it has ended, with all that it started: destroy it soon
  std::function<void(core::WorkerId)> draining;  // it was asked to drain, or said that it does
  std::function<void(core::WorkerId)> starved;   // nothing new can come to it any more
  std::function<void(const std::string& status_file)> process_changed;  // one that this file lists began or ended
  std::set<core::AppId> told_preload{};  // apps of which it was told that they do without seccomp

  [[nodiscard]] std::string mark_of(core::WorkerId worker) const {
    return token + ":" + std::to_string(worker.value);
  }
};

}  // namespace liveswap::master
