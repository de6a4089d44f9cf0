// A server that a worker asks for under `protocol: node`, or that its program binds under `protocol: bind`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/action.hpp"
#include "core/plan.hpp"
#include "os/fd.hpp"
#include "os/file_rights.hpp"

namespace liveswap::master {

struct ServerRequest {
  core::Spawn worker{};                      // that asks
  const core::AppPlan& plan;                 // of the worker's release
  std::optional<os::FileIdentity> identity;  // of the worker; none: the master's own
  core::Address address;                     // a path is absolute
  bool v6only = false;
  std::uint32_t index = 0;  // tells several servers on port 0 apart
  bool steered = false;     // where it is opened on demand: its sockets are to be the programs' own
  std::optional<std::uint32_t> path_mode{};  // of a path that is opened on demand; none: 0755
  bool may_bind_any_port = false;  // CAP_NET_BIND_SERVICE, whatever the user
};

// Why a worker does not get a socket: the errno that its listen() fails with, and a sentence for the log.
struct ServerRefusal {
  int error = 0;
  std::string text;
};

}  // namespace liveswap::master
