// What all workers share. Owned by Workers, which outlives each of them.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/ids.hpp"
#include "loop/loop.hpp"
#include "master/bound_socket.hpp"
#include "master/children.hpp"
#include "master/launcher.hpp"
#include "master/log.hpp"
#include "master/output.hpp"
#include "master/post.hpp"
#include "master/server_request.hpp"
#include "os/descriptor_limit.hpp"

namespace liveswap::master {

// The open sockets of these listeners, in that order.
using SocketsOf = std::function<std::vector<BoundSocket>(std::span<const std::string> names)>;
// For workers that ask for their servers; see OnDemand.
using ServerFor = std::function<std::expected<BoundSocket, ServerRefusal>(const ServerRequest&)>;
using ServerData =
    std::function<std::string(core::AppId app, const std::string& key, const std::string& offered)>;

struct WorkerSetup {
  loop::Loop& loop;
  Launcher& launcher;
  Output& output;
  const Log& log;
  Post post;
  SocketsOf sockets_of;
  ServerFor server_for;
  ServerData server_data;
  std::string runtime_dir;  // absolute, the master's alone
  StandardStreams own_streams;
  std::string cgroup_parent;  // below which each worker gets a cgroup of its own; "": none does
  std::optional<os::DescriptorLimit> descriptor_limit;  // of workers whose release sets none
};

struct WorkerContext {
  WorkerSetup setup;
  Children children;
  std::string token;  // of this master's life: marks its workers' processes, whoever else runs workers
  std::function<void(core::WorkerId)> bury;  // it has ended, with all that it started: destroy it soon
  std::function<void(const std::string& status_file)> process_changed;  // one that this file lists began or ended

  [[nodiscard]] std::string mark_of(core::WorkerId worker) const {
    return token + ":" + std::to_string(worker.value);
  }
};

}  // namespace liveswap::master
