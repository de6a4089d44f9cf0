// What a seed's run is made of. Each seed switches whole classes of faults and commands on or off, because
// bugs hide where everything happens at once as well as where hardly anything does.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "core/core.hpp"
#include "random.hpp"

namespace sim {

using namespace liveswap::core;
using namespace std::chrono_literals;

struct Faults {
#define FAULT(name, what) bool name = false;
#include "faults.def"
#undef FAULT
};

struct Commands {
  bool upgrade = false, restart = false, scale = false, stop = false, abort = false, drain = false,
       wait = false;
};

// Which kinds of listeners an app lists.
enum class Listening {
  shared,
  steered,
  both,
  changing,  // the shared one always, the steered one in some of its releases
};

struct AppTraits {
  Listening listening = Listening::shared;
  Queues queues = Queues::one;
  std::optional<Leaving> leaving{};  // of all its releases
};

struct Swarm {
  std::uint64_t seed = 0;
  Faults faults;
  Commands commands;
  std::uint32_t apps = 1;
  std::uint32_t workers_max = 1;
  bool rolling = false;    // max_surge below 100 %
  bool no_overlap = false;  // upgrades that stop the old workers first
  bool odd_times = false;  // time-outs of zero and infinity
  bool limits = false;     // restart.limit
  bool watchdogs = false;
  bool steered = false;  // some apps have steered listeners
  std::array<AppTraits, 2> traits{};
  OnStartFailure on_start_failure = OnStartFailure::exit;
  ShutdownPolicy shutdown;
  bool shutdown_amid = false;  // somewhere in the run, not at its end
  Duration chaos{};            // how long faults and commands go on
  Duration command_gap{};      // at most, between two commands
  Duration client_gap{};       // at most, between two clients' connections

  std::string text() const;
};

Swarm draw_swarm(std::uint64_t seed);
AppPolicy draw_policy(const Swarm& swarm, AppId app, Random& random);

}  // namespace sim
