// A server that a worker asks for under `protocol: node`, and what it gets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/ids.hpp"
#include "core/plan.hpp"
#include "os/fd.hpp"
#include "os/file_rights.hpp"

namespace liveswap::master {

struct ServerRequest {
  core::AppId app;
  core::GenerationId generation;
  const core::AppPlan& plan;                 // of the worker's release
  std::optional<os::FileIdentity> identity;  // of the worker; none: the master's own
  core::Address address;                     // a path is absolute
  bool v6only = false;
  std::uint32_t index = 0;  // tells several servers on port 0 apart
};

// Why a worker does not get a socket: the errno that its listen() fails with, and a sentence for the log.
struct ServerRefusal {
  int error = 0;
  std::string text;
};

}  // namespace liveswap::master
