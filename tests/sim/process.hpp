// A simulated worker: what its program is like, and what has become of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/ids.hpp"
#include "core/plan.hpp"
#include "random.hpp"
#include "swarm.hpp"

namespace sim {

// One way in which all workers of a bad release fail.
enum class Flaw { none, exec, exits, never_ready, dies_ready };

struct Character {
  bool exec_fails = false;
  bool spawn_fails = false;
  std::optional<Duration> exits_early{};  // after launch
  bool never_ready = false;
  Duration ready_after{};
  bool accepts_early = false;
  bool deaf = false;
  bool ignores_drain = false;
  bool ignores_term = false;
  bool leftovers = false;
  std::optional<Duration> leftovers_last{};  // end by themselves after that; none: only by SIGKILL
  std::optional<Duration> crashes{};         // after ready
  std::optional<Duration> hangs{};           // after ready
  std::optional<Duration> leaves{};          // after ready
  std::optional<Duration> extends{};         // by that much, again and again
  std::optional<Duration> watched{};         // asks for a watchdog of that interval once it is ready
  unsigned kills_needed = 1;
};

// Drawn from the seed's faults; without any where `calm`.
Character draw_character(const Swarm& swarm, Flaw flaw, bool calm, const AppPolicy& policy, Random& random);

struct Process {
  WorkerId worker;
  AppId app;
  ReleaseId release;
  AppPolicy policy;
  Character character;
  std::optional<Duration> watchdog{};
  bool running = false;  // its program was executed
  bool main_alive = true;
  bool children_alive = false;
  bool hung = false;
  bool draining = false;
  bool asked_drain = false;
  unsigned kills = 0;
  std::uint32_t connections = 0;
  bool signalled = false;
  Time starve_began{};         // it leaves, and its queue is watched
  bool told_starved = false;   // nobody waits in it any more
  bool starved_alone = false;  // … and all that share its queue leave, too
  bool told_empty = false;     // it has no connection open, either
  Time told{};  // nothing about it is learnt of before that
};

}  // namespace sim
