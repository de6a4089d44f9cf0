#include "swarm.hpp"

#include "core/text.hpp"

namespace sim {

namespace {

Amount draw_amount(Random& random, std::uint32_t workers) {
  if (random.chance(50)) return {random.between(0, workers), false};
  return {random.between(0, 100), true};
}

void draw_odd_times(AppPolicy& policy, const Swarm& swarm, Random& random) {
  if (random.chance(20)) policy.drain_timeout = 0s;
  if (random.chance(20) && !swarm.faults.ignores_drain && !swarm.faults.hangs && !swarm.faults.deaf)
    policy.drain_timeout = kForever;
  if (random.chance(20)) policy.stop_timeout = 0s;
  if (random.chance(20)) policy.restart_delay = 0s;
  if (random.chance(10)) policy.restart_max_delay = 0s;
  if (random.chance(20)) policy.restart_reset_after = 0s;
  if (random.chance(10) && !swarm.faults.never_ready && !swarm.faults.bad_releases)
    policy.ready_timeout = kForever;
}

AppTraits draw_traits(Random& random) {
  AppTraits traits;
  const std::uint64_t kind = random.below(10);
  traits.listening = kind < 7 ? Listening::steered : kind < 8 ? Listening::both : Listening::changing;
  if (random.chance(50)) traits.queues = Queues::per_worker;
  if (random.chance(70)) {
    traits.leaving =
        random.pick(std::array{Leaving::asked_when_starved, Leaving::asked_when_empty, Leaving::stopped_when_empty});
  }
  return traits;
}

// What accepts from a shared listener until its end is never empty: such a program's listeners are all steered.
Leaving draw_leaving(const AppTraits& traits, Random& random) {
  switch (traits.listening) {
    case Listening::shared: return Leaving::asked_at_once;
    case Listening::both: return Leaving::asked_when_starved;
    case Listening::changing: return random.chance(50) ? Leaving::asked_at_once : Leaving::asked_when_starved;
    case Listening::steered: break;
  }
  if (traits.leaving) return *traits.leaving;
  return random.pick(
      std::array{Leaving::asked_when_starved, Leaving::asked_when_empty, Leaving::stopped_when_empty});
}

}  // namespace

Swarm draw_swarm(std::uint64_t seed) {
  Random random(seed);
  Swarm swarm;
  swarm.seed = seed;
  const unsigned fault_rate = random.chance(15) ? 0 : random.between(10, 70);
#define FAULT(name, what) swarm.faults.name = random.chance(fault_rate);
#include "faults.def"
#undef FAULT
  Commands& commands = swarm.commands;
  for (bool* command : {&commands.upgrade, &commands.restart, &commands.scale, &commands.stop,
                        &commands.abort, &commands.drain, &commands.wait}) {
    *command = random.chance(60);
  }
  if (random.chance(50)) commands.upgrade = true;
  swarm.apps = random.chance(75) ? 1 : 2;
  swarm.workers_max = random.chance(10) ? 16 : random.between(1, 6);
  swarm.rolling = random.chance(60);
  swarm.no_overlap = random.chance(15);
  swarm.odd_times = random.chance(20);
  swarm.limits = random.chance(30);
  swarm.watchdogs = swarm.faults.hangs || random.chance(10);
  if (random.chance(40)) swarm.on_start_failure = OnStartFailure::retry;
  swarm.shutdown.delay = random.chance(30) ? random.between(1ms, 20s) : Duration{};
  swarm.shutdown.timeout = random.between(0s, 60s);
  swarm.shutdown_amid = random.chance(20);
  swarm.command_gap = random.chance(30) ? random.between(20ms, 1s) : random.between(1s, 20s);
  swarm.chaos = swarm.command_gap < 1s ? random.between(5s, 40s) : random.between(20s, 200s);
  swarm.client_gap = random.between(200ms, 5s);
  swarm.steered = random.chance(50);
  for (AppTraits& traits : swarm.traits) {
    if (swarm.steered && random.chance(80)) traits = draw_traits(random);
  }
  if (swarm.steered && random.chance(50)) swarm.client_gap = random.between(10ms, 200ms);
  return swarm;
}

AppPolicy draw_policy(const Swarm& swarm, AppId app, Random& random) {
  AppPolicy policy;
  policy.workers = random.between(1, swarm.workers_max);
  policy.ready_timeout = random.between(500ms, 30s);
  policy.drain_timeout = random.between(1s, 60s);
  policy.stop_timeout = random.between(100ms, 10s);
  policy.drain_by_signal = random.chance(70);
  if (random.chance(20)) policy.drain_signal = 3;
  if (random.chance(20)) policy.stop_signal = 2;
  policy.restart_delay = random.between(10ms, 500ms);
  policy.restart_max_delay = random.between(1s, 30s);
  policy.restart_reset_after = random.between(1s, 60s);
  if (swarm.limits && random.chance(70)) {
    policy.restart_limit = RestartLimit{random.between(1, 5), random.between(1s, 60s)};
  }
  if (swarm.rolling) {
    policy.max_surge = draw_amount(random, policy.workers);
    policy.max_unavailable = draw_amount(random, policy.workers);
  }
  if (swarm.no_overlap) policy.overlap = random.chance(40);
  policy.max_draining = random.between(random.chance(20) ? 0U : 1U, 4);
  if (swarm.watchdogs && random.chance(60)) policy.watchdog = random.between(2s, 20s);
  if (swarm.odd_times) draw_odd_times(policy, swarm, random);
  policy.leaving = draw_leaving(swarm.traits.at(app.value - 1), random);
  return policy;
}

std::string Swarm::text() const {
  std::string text = "seed " + std::to_string(seed) + ": " + std::to_string(apps) + " apps, at most " +
                     std::to_string(workers_max) + " workers, " + text_of(chaos) + " of chaos;";
#define FAULT(name, what) \
  if (faults.name) text += " " #name;
#include "faults.def"
#undef FAULT
  text += ";";
  if (commands.upgrade) text += " upgrade";
  if (commands.restart) text += " restart";
  if (commands.scale) text += " scale";
  if (commands.stop) text += " stop";
  if (commands.abort) text += " abort";
  if (commands.drain) text += " drain";
  if (commands.wait) text += " wait";
  text += ";";
  if (rolling) text += " rolling";
  if (no_overlap) text += " no_overlap";
  if (odd_times) text += " odd_times";
  if (limits) text += " limits";
  if (watchdogs) text += " watchdogs";
  if (steered) text += " steered";
  if (shutdown_amid) text += " shutdown_amid";
  if (on_start_failure == OnStartFailure::retry) text += " retry";
  return text;
}

}  // namespace sim
