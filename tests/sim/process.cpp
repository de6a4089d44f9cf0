#include "process.hpp"

#include <algorithm>

namespace sim {

namespace {

void spoil(Character& character, Flaw flaw, const AppPolicy& policy, Random& random) {
  switch (flaw) {
    case Flaw::none: return;
    case Flaw::exec: character.exec_fails = true; return;
    case Flaw::exits: character.exits_early = random.between(0ms, 300ms); return;
    case Flaw::never_ready: character.never_ready = true; return;
    case Flaw::dies_ready:
      character.crashes = random.between(0ms, std::min<Duration>(policy.ready_timeout, 3s));
      return;
  }
}

}  // namespace

Character draw_character(const Swarm& swarm, Flaw flaw, bool calm, const AppPolicy& policy, Random& random) {
  Character it;
  it.ready_after = random.between(1ms, 400ms);
  it.accepts_early = random.chance(20);
  if (calm) return it;
  const Faults& faults = swarm.faults;
  const auto strikes = [&](bool fault, unsigned percent) { return fault && random.chance(percent); };
  it.exec_fails = strikes(faults.exec_fails, 5);
  it.spawn_fails = strikes(faults.exec_fails, 3);
  if (strikes(faults.exits_early, 8)) it.exits_early = random.between(0ms, 2s);
  it.never_ready = strikes(faults.never_ready, 6);
  if (strikes(faults.ready_late, 15))
    it.ready_after = random.between(0s, std::min<Duration>(policy.ready_timeout, 30s) + 20ms);
  it.ignores_drain = strikes(faults.ignores_drain, 25);
  it.ignores_term = strikes(faults.ignores_term, 25);
  it.leftovers = strikes(faults.leftovers, 30);
  if (random.chance(50)) it.leftovers_last = random.between(0ms, 20s);
  if (strikes(faults.crashes, 30)) it.crashes = random.between(0s, 60s);
  if (strikes(faults.hangs, 15)) it.hangs = random.between(0s, 60s);
  it.deaf = strikes(faults.deaf, 50);
  if (strikes(faults.leaves, 20)) it.leaves = random.between(0ms, 40s);
  if (strikes(faults.extends, 20)) it.extends = random.between(500ms, 15s);
  if (swarm.watchdogs && random.chance(20)) it.watched = random.chance(20) ? 0s : random.between(1s, 10s);
  if (strikes(faults.unkillable, 20)) it.kills_needed = random.between(2, 4);
  spoil(it, flaw, policy, random);
  return it;
}

}  // namespace sim
