// What liveswap-launch is told to do for one worker, made from its release. Pure, but for the borrowed descriptors.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/action.hpp"
#include "master/bound_socket.hpp"
#include "master/release.hpp"
#include "master/worker_link.hpp"
#include "os/descriptor_limit.hpp"
#include "os/fd.hpp"
#include "wire/launch_plan.hpp"

namespace liveswap::master {

struct PreparedLaunch {
  wire::LaunchPlan plan;
  std::vector<os::FdRef> descriptors;  // borrowed
};

struct WorkerTraits {
  core::Spawn ids;
  std::string mark;           // LIVESWAP_WORKER
  std::string notify_socket;  // address
};

// A standard input other than /dev/null; borrowed.
void give_input(PreparedLaunch& launch, os::FdRef fd);

// Lets the process begin in this cgroup; `procs`: its cgroup.procs, open for writing, borrowed.
void join_cgroup(PreparedLaunch& launch, os::FdRef procs);

// A limit for a process whose release sets none.
void limit_descriptors(PreparedLaunch& launch, const os::DescriptorLimit& limit);

// `sockets`: those that the app lists, in its order. `standard_input`: the one that is descriptor 0. `links`: what
// else it gets to speak with the master.
[[nodiscard]] std::expected<PreparedLaunch, std::string> prepare_worker(
    const Release& release, const WorkerTraits& worker, std::span<const BoundSocket> sockets,
    const std::optional<BoundSocket>& standard_input, std::span<const std::unique_ptr<WorkerLink>> links);

// `ready: {when: command}` for that worker: it has no sockets and no channel, and knows which worker is meant.
[[nodiscard]] std::expected<PreparedLaunch, std::string> prepare_ready_command(const Release& release,
                                                                               const WorkerTraits& worker);

// A hook, made by make_hook_release(): `input`, borrowed, is its standard input.
[[nodiscard]] std::expected<PreparedLaunch, std::string> prepare_hook(
    const Release& release, const std::vector<std::pair<std::string, std::string>>& variables, os::FdRef input);

// `on_message` for that worker, whose process is `pid`: `text`, borrowed, is its standard input.
[[nodiscard]] std::expected<PreparedLaunch, std::string> prepare_message_command(const Release& release,
                                                                                 const WorkerTraits& worker, pid_t pid,
                                                                                 os::FdRef text);

}  // namespace liveswap::master
