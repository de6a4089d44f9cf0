// The checks that look at a step's outcome as a whole.

#include <algorithm>
#include <array>
#include <utility>

#include "ledger.hpp"

namespace sim {

namespace {

std::string name_of_generation(GenerationId id) { return "g" + std::to_string(id.value); }

bool may_follow(WorkerState from, WorkerState to) {
  constexpr auto order = std::to_array<std::pair<WorkerState, WorkerState>>({
      {WorkerState::starting, WorkerState::ready},
      {WorkerState::starting, WorkerState::draining},
      {WorkerState::starting, WorkerState::stopping},
      {WorkerState::ready, WorkerState::draining},
      {WorkerState::ready, WorkerState::stopping},
      {WorkerState::draining, WorkerState::stopping},
  });
  return from == to || std::find(order.begin(), order.end(), std::pair{from, to}) != order.end();
}

// The rollout that made this step's changes: the one that ran before it, or began with it. A start takes
// nothing away.
const RolloutSnapshot* rollout_of(const AppBook& book, const AppSnapshot& now) {
  for (const auto* rollout : {&book.before.rollout, &now.rollout}) {
    if (*rollout && (*rollout)->generation && (*rollout)->kind != RolloutKind::start) return &**rollout;
  }
  return nullptr;
}

}  // namespace

std::uint32_t surge(const AppPolicy& policy, std::uint32_t workers) {
  if (!policy.max_surge.percent) return policy.max_surge.value;
  const std::uint32_t hundredfold = policy.max_surge.value * workers;
  return hundredfold / 100 + (hundredfold % 100 == 0 ? 0 : 1);
}

std::uint32_t unavailable(const AppPolicy& policy, std::uint32_t workers) {
  std::uint32_t amount = policy.max_unavailable.value;
  if (policy.max_unavailable.percent) amount = amount * workers / 100;
  return amount == 0 && surge(policy, workers) == 0 ? 1 : amount;
}

void Ledger::after(const Snapshot& snapshot, Time next_deadline, bool time_passed) {
  if (woken_) fail("a deadline came and there was nothing to do");
  if (time_passed && next_deadline <= now_) fail("a deadline is due after all that was due has been done");
  for (const AppSnapshot& now : snapshot.apps) {
    AppBook& book = apps_.at(now.app);
    learn_sizes(book, now);
    check_capacity(book, now);
    check_living(book, now);
    check_draining(book, now);
    check_states(now, time_passed);
    check_override(book, now);
    check_steering(book, now, time_passed);
    book.before = now;
    book.before.history.clear();
  }
  check_hurry(time_passed);
  check_asked();
}

void Ledger::learn_sizes(AppBook& book, const AppSnapshot& now) {
  const auto learn = [&](GenerationId id, std::uint32_t size) {
    GenerationBook& generation = book.generations[id];
    generation.size = size;
    generation.removed.erase(generation.removed.lower_bound(size), generation.removed.end());
    generation.crashed.erase(generation.crashed.lower_bound(size), generation.crashed.end());
  };
  if (now.generation && now.state != AppState::stopping) learn(now.generation, now.workers_wanted);
  if (!now.rollout || !now.rollout->generation) return;
  const bool is_new = !book.generations.contains(now.rollout->generation) ||
                      book.generations.at(now.rollout->generation).size == 0;
  learn(now.rollout->generation, now.rollout->wanted);
  const auto policy = book.releases.find(now.rollout->release);
  if (!is_new || now.rollout->kind == RolloutKind::restart || policy == book.releases.end()) return;
  const bool adopts = book.may_have_adopted && now.rollout->wanted == 1;
  if (!adopts && now.rollout->wanted != now.scale_override.value_or(policy->second.workers)) {
    fail(name_of_generation(now.rollout->generation) + " has not the number of workers that was asked for");
  }
}

// Promises 2 and 3: workers that serve are taken out of service only as far as the others suffice.
void Ledger::check_capacity(AppBook& book, const AppSnapshot& now) {
  if (!book.removed_now || book.stopped_now || book.stopping) return;
  const RolloutSnapshot* rollout = rollout_of(book, now);
  if (rollout == nullptr) return fail("a serving worker is taken away and nothing is under way");
  if (rollout->kind == RolloutKind::scale) return;
  const AppPolicy& policy = book.releases.at(rollout->release);
  if (!policy.overlap && rollout->kind == RolloutKind::upgrade) return;  // promises neither
  GenerationId before = book.before.generation;
  const GenerationBook& old = book.generations[before];
  const GenerationBook& fresh = book.generations[rollout->generation];
  if (before == rollout->generation) {
    if (rollout->kind == RolloutKind::upgrade) return;  // there was nothing before it
    const std::uint32_t may_lack = surge(policy, old.size) > 0 ? 0 : unavailable(policy, old.size);
    if (old.removed.size() > may_lack) fail("a worker was taken away before its replacement was ready");
    return;
  }
  const std::uint32_t needed = std::min(old.size, fresh.size);
  const std::uint32_t may_lack = unavailable(policy, fresh.size);
  const std::size_t made_good = serving(now.app, rollout->generation) + fresh.crashed.size();
  if (old.removed.size() > old.size - needed + may_lack + made_good) {
    fail("fewer workers are ready than max_unavailable allows");
  }
  const bool committed = now.generation == rollout->generation;
  if (surge(policy, fresh.size) >= fresh.size && !old.removed.empty() && !committed) {
    fail("an old worker was taken away before all new ones were ready");
  }
}

void Ledger::check_restored(const AppBook& book, const Note& note) {
  const bool from_nothing = note.rollout == RolloutKind::upgrade && note.generation == book.before.generation;
  if (note.rollout == RolloutKind::scale || from_nothing) return;
  for (const auto& [id, hand] : hands_) {
    const bool failed = hand.app == note.app && hand.generation == note.generation && !hand.was_ready;
    if (note.generation != book.before.generation && failed && !hand.main_gone && hand.kills < 2) {
      fail("a rollout is said to be rolled back and w" + std::to_string(id.value) + " has not ended");
    }
  }
  const auto old = book.generations.find(book.before.generation);
  if (old != book.generations.end() && !old->second.removed.empty()) {
    fail("a rollout is said to be rolled back and slot " + std::to_string(*old->second.removed.begin()) +
         " of " + name_of_generation(old->first) + " is not restored");
  }
}

void Ledger::check_living(const AppBook& book, const AppSnapshot& now) {
  if (book.stopping || !now.generation) return;
  const auto size_of = [&](GenerationId id) {
    const auto found = book.generations.find(id);
    return found == book.generations.end() ? 0 : found->second.size;
  };
  std::uint32_t most = size_of(now.generation);
  if (now.rollout && now.rollout->generation) {
    const std::uint32_t fresh = size_of(now.rollout->generation);
    most = std::max(most, fresh);
    const bool surges =
        now.rollout->kind == RolloutKind::upgrade || now.rollout->kind == RolloutKind::restart;
    if (surges) most += surge(book.releases.at(now.rollout->release), fresh);
  }
  if (living(now.app) > most) {
    fail(std::to_string(living(now.app)) + " workers live; " + std::to_string(most) + " may");
  }
  for (const auto& [id, hand] : hands_) {
    if (hand.app == now.app && hand.lives() && hand.slot >= size_of(hand.generation)) {
      fail("w" + std::to_string(id.value) + " has a slot that its generation has not");
    }
  }
}

// Beyond max_draining the oldest are stopped.
void Ledger::check_draining(const AppBook& book, const AppSnapshot& now) {
  if (now.rollout || book.stopping || !now.generation) return;
  std::set<GenerationId> draining;
  for (const auto& [id, hand] : hands_) {
    if (hand.app != now.app || !hand.drain_began || hand.stop_began || hand.main_gone || hand.killed)
      continue;
    const GenerationBook& generation = book.generations.at(hand.generation);
    if (generation.draining && !generation.cut) draining.insert(hand.generation);
  }
  const auto policy = book.releases.find(now.release);
  if (policy != book.releases.end() && draining.size() > policy->second.max_draining) {
    fail("more generations drain than max_draining");
  }
}

// Each worker's state follows from the one before, has an end, and is not past it.
void Ledger::check_states(const AppSnapshot& now, bool time_passed) {
  for (const WorkerSnapshot& row : now.workers) {
    if (row.state == WorkerState::backoff) {
      if (!row.deadline && !row.gave_up) fail("a slot waits without an end");
      continue;
    }
    Hand* hand = find(row.worker);
    const std::string name = "w" + std::to_string(row.worker.value);
    if (hand == nullptr) {
      fail(name + " is in the snapshot and has gone");
      continue;
    }
    if (!may_follow(hand->state, row.state)) {
      fail(name + " went from " + std::string(name_of(hand->state)) + " to " +
           std::string(name_of(row.state)));
    }
    hand->state = row.state;
    if (hand->serves() != (row.state == WorkerState::ready)) fail(name + " is not what its state says");
    const bool endless = (row.state == WorkerState::starting && hand->policy.ready_timeout == kForever) ||
                         (row.state == WorkerState::draining && hand->policy.drain_timeout == kForever);
    if (row.state != WorkerState::ready && !row.deadline && !endless) {
      fail(name + " is " + std::string(name_of(row.state)) + " without an end");
    }
    if (time_passed && row.deadline && *row.deadline <= now_) fail(name + " is past its deadline");
  }
}

// A number of workers that an operator asked for is kept, and one that was rolled back is not.
void Ledger::check_override(const AppBook& book, const AppSnapshot& now) {
  if (now.rollout || book.stopping || !now.generation) return;
  const auto release = book.releases.find(now.release);
  if (release == book.releases.end()) return fail("what serves has no release");
  const bool is_adopted = book.may_have_adopted && now.workers_wanted == 1;  // until the next upgrade
  if (!is_adopted && now.workers_wanted != now.scale_override.value_or(release->second.workers)) {
    fail("as many workers are wanted as nobody asked for");
  }
}

void Ledger::check_hurry(bool time_passed) {
  if (!cut_asked_ || (time_passed && !shutdown_)) return;
  for (const auto& [id, hand] : hands_) {
    if (!hand.stop_began && !hand.main_gone && !hand.killed) {
      fail("w" + std::to_string(id.value) + " is not being stopped although all are to be at once");
    }
  }
}

void Ledger::check_asked() {
  for (const auto& [id, hand] : hands_) {
    const bool told = hand.asked || hand.by_itself || hand.stop_began || hand.main_gone || hand.killed;
    if (hand.drain_began && hand.launched && !told && !hand.policy.steered()) {
      fail("w" + std::to_string(id.value) + " is said to drain and was not asked to");
    }
  }
}

std::string Ledger::unrest(const Snapshot& snapshot) const {
  if (!requests_.empty()) return "request " + std::to_string(requests_.begin()->first.value) + " waits";
  for (const AppSnapshot& app : snapshot.apps) {
    if (app.rollout || app.state == AppState::stopping || app.state == AppState::starting) {
      return app.name + " is " + std::string(name_of(app.state)) + ", waiting for " + app.waiting_for;
    }
    std::uint32_t gave_up = 0;
    for (const WorkerSnapshot& row : app.workers) {
      if (row.gave_up) {
        gave_up += 1;
      } else if (row.state != WorkerState::ready || row.generation != app.generation) {
        return "slot " + std::to_string(row.slot) + " of " + name_of_generation(row.generation) + " is " +
               std::string(name_of(row.state));
      }
    }
    if (apps_.at(app.app).releases.size() > 1) return app.name + " holds a release that nothing needs";
    const bool runs = app.state == AppState::running;
    if (runs && (app.workers_ready + gave_up != app.workers_wanted || app.workers_ready == 0)) {
      return app.name + " runs with " + std::to_string(app.workers_ready) + " of " +
             std::to_string(app.workers_wanted) + " workers";
    }
    if (serving(app.app) != app.workers_ready) return app.name + " miscounts the workers that are ready";
  }
  return {};
}

}  // namespace sim
