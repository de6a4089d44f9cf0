// What the next master has to know of the workers' processes. Their descriptors are kept for it, each under its number
// (worker_keeper.hpp).
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/archive.hpp"
#include "core/persist_messages.hpp"
#include "core/persist_plan.hpp"
#include "master/facts.hpp"
#include "master/link_state.hpp"
#include "master/listeners_state.hpp"

namespace liveswap::master {

struct ProcessState {
  pid_t pid = 0;
  std::uint32_t pidfd = 0;
};
LIVESWAP_FIELDS(ProcessState, pid, pidfd)

struct WorkerChannelState {
  std::uint32_t channel = 0;
  std::uint32_t phase = 0;
  bool told_running = false;
  std::vector<std::string> unsent;
};
LIVESWAP_FIELDS(WorkerChannelState, channel, phase, told_running, unsent)

// A socket that the program has bound: one that listens is a side of a listener, and known by its cookie.
struct ProgramSocketState {
  std::uint64_t cookie = 0;
  std::string listener;
  std::uint64_t index = 0;
  core::Address wanted;
  bool listens = false, is_inherited = false;
  std::optional<ListenerSocketState> waiting;
};
LIVESWAP_FIELDS(ProgramSocketState, cookie, listener, index, wanted, listens, is_inherited, waiting)

struct BindWatchState {
  std::vector<ProgramSocketState> sockets;
  std::vector<pid_t> processes;
  bool was_called = false;
  std::uint32_t notifier = 0;  // of seccomp_binds.hpp
};
LIVESWAP_FIELDS(BindWatchState, sockets, processes, was_called, notifier)

struct WorkerState {
  core::Spawn ids{};
  std::string mark;
  WallTime started{};
  pid_t session = 0;
  std::optional<std::string> cgroup;
  ProcessState main;  // pid 0: it has ended
  std::vector<ProcessState> former;
  std::vector<pid_t> kin;
  bool adopted = false, preloads = false, running = false, failed = false, ready = false, stopping = false;
  bool starving = false, starved = false, draining = false, launched = false;
  std::int32_t problems_told = 0;
  std::string status;
  std::optional<std::uint32_t> connections;
  std::uint32_t last_number = 0;  // of a descriptor
  std::optional<SocketLinkState> notify;
  std::optional<WorkerChannelState> channel;
  std::vector<LinkState> links;
  std::optional<BindWatchState> binds;
  std::vector<std::uint32_t> output;  // pipes of worker_output.hpp, 0 for those that are not there
};
LIVESWAP_FIELDS(WorkerState, ids, mark, started, session, cgroup, main, former, kin, adopted, preloads, running, failed,
                ready, stopping, starving, starved, draining, launched, problems_told, status, connections, last_number,
                notify, channel, links, binds, output)

struct WorkersState {
  std::string token;
  std::vector<WorkerState> workers;
};
LIVESWAP_FIELDS(WorkersState, token, workers)

}  // namespace liveswap::master
