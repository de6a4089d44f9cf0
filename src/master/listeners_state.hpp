// What the next master has to know of the listeners. The sockets themselves are kept for it (socket_keeper.hpp), each
// under its number.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/archive.hpp"
#include "core/persist_plan.hpp"
#include "master/listener_path.hpp"
#include "os/file_rights.hpp"

namespace liveswap::os {
LIVESWAP_FIELDS(FileIdentity, uid, gid, groups)
}  // namespace liveswap::os

namespace liveswap::master {

LIVESWAP_FIELDS(PathRights, mode, user, group, maker)
LIVESWAP_FIELDS(PathState, path, hidden_as, device, inode, maker)

struct ListenerSocketState {
  std::uint64_t number = 0;  // under which the socket is kept
  core::SocketKind kind = core::SocketKind::tcp;
  std::string address;  // the real one, by which a kept socket is known again
  std::optional<PathState> path;
  bool given_away = false, of_program = false, held_back = false, lets_few_in = false, nonblock = false,
       is_side = false;
  std::int32_t backlog = 0;
  std::uint32_t set_backlog = 0;
};
LIVESWAP_FIELDS(ListenerSocketState, number, kind, address, path, given_away, of_program, held_back, lets_few_in,
                nonblock, is_side, backlog, set_backlog)

struct SideState {
  ListenerSocketState socket;
  core::GenerationId generation;
  bool of_one_worker = false, of_program = false;
  std::set<core::WorkerId> users;
  std::uint32_t chosen = 0;  // workers that it is chosen for; 0: it gets nothing new
};
LIVESWAP_FIELDS(SideState, socket, generation, of_one_worker, of_program, users, chosen)

struct SidesState {
  std::vector<SideState> sides;
  std::vector<core::WorkerId> chosen_workers;
};
LIVESWAP_FIELDS(SidesState, sides, chosen_workers)

// A member of a SO_REUSEPORT group: a socket of ours by its number, another program's by its inode.
struct MemberState {
  std::uint64_t number = 0;
  std::uint32_t stranger = 0;
};
LIVESWAP_FIELDS(MemberState, number, stranger)

struct SteeredSocketState {
  ListenerSocketState anchor;
  core::Queues queues = core::Queues::one;
  SidesState sides;
  std::vector<ListenerSocketState> fillers;
  std::vector<MemberState> order;
  bool held_back = false;
};
LIVESWAP_FIELDS(SteeredSocketState, anchor, queues, sides, fillers, order, held_back)

struct SteeredPathState {
  ListenerSocketState reserved;
  std::uint64_t next_number = 0;
  SidesState sides;
  bool held_back = false;
};
LIVESWAP_FIELDS(SteeredPathState, reserved, next_number, sides, held_back)

struct EndpointState {
  std::uint32_t address = 0;  // which of the plan's
  std::variant<ListenerSocketState, SteeredSocketState, SteeredPathState> socket;
};
LIVESWAP_FIELDS(EndpointState, address, socket)

struct ListenerState {
  core::ListenerPlan plan;
  PathRights rights;
  std::int32_t backlog = 0;
  bool paused = false, held_back = false;
  std::uint16_t chosen_port = 0;
  std::vector<EndpointState> endpoints;  // none: it is closed
  std::vector<core::WorkerId> steered_to;
};
LIVESWAP_FIELDS(ListenerState, plan, rights, backlog, paused, held_back, chosen_port, endpoints, steered_to)

// How much an app still needs its listeners; of the apps that list one, the one that needs it most counts.
enum class ListenerNeed { none, to_empty_queue, to_serve };

struct ListenerUserState {
  std::string name;
  std::vector<std::string> lists, added;
  ListenerNeed need = ListenerNeed::to_serve;
  std::vector<core::WorkerId> steered_to;
};
LIVESWAP_FIELDS(ListenerUserState, name, lists, added, need, steered_to)

struct ListenersState {
  std::uint64_t last_number = 0;
  std::vector<ListenerState> listeners;
  std::map<core::AppId, ListenerUserState> apps;
};
LIVESWAP_FIELDS(ListenersState, last_number, listeners, apps)

// A listener that no file names (on_demand.hpp).
struct OnDemandEntry {
  std::string name;  // of the listener
  core::AppId app;
  core::Address address;
  bool v6only = false;
  std::uint32_t index = 0;
  std::set<core::GenerationId> users;
  bool replaced = false;  // its path leads elsewhere now: who has the socket keeps it, others get a new one
};
LIVESWAP_FIELDS(OnDemandEntry, name, app, address, v6only, index, users, replaced)

struct OnDemandState {
  std::vector<OnDemandEntry> entries;
  std::map<std::pair<core::AppId, std::string>, std::string> data;
};
LIVESWAP_FIELDS(OnDemandState, entries, data)

}  // namespace liveswap::master

template <>
inline constexpr std::optional<liveswap::master::ListenerNeed>
    liveswap::core::kLastOf<liveswap::master::ListenerNeed> = liveswap::master::ListenerNeed::to_serve;
