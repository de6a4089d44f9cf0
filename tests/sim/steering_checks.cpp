// The ledger's checks of where new connections go, and of workers that are starved before they leave.

#include <algorithm>
#include <utility>

#include "ledger.hpp"

namespace sim {

namespace {

using std::chrono::seconds;

constexpr Duration kQueuesMax = seconds(5);
constexpr Duration kSteerAgain = seconds(1);

std::string name_of_worker(WorkerId id) { return "w" + std::to_string(id.value); }

// Those of `inner` are among `outer`.
bool is_within(const Force& inner, const Force& outer) {
  return std::ranges::all_of(inner, [&](const auto& entry) { return outer.contains(entry.first); });
}

Force of_generation(const Force& force, GenerationId generation) {
  Force kept;
  for (const auto& [worker, of] : force) {
    if (of == generation) kept.emplace(worker, of);
  }
  return kept;
}

}  // namespace

const Force& SteeringBook::wish() const { return unanswered.empty() ? force : unanswered.back(); }

bool SteeringBook::names(WorkerId worker) const {
  return force.contains(worker) ||
         std::ranges::any_of(unanswered, [&](const Force& asked) { return asked.contains(worker); });
}

// ---- events ----

void Ledger::steered(AppId app) {
  SteeringBook& book = apps_.at(app).steering;
  if (book.unanswered.empty()) return;
  book.force = std::move(book.unanswered.front());
  book.unanswered.pop_front();
}

void Ledger::steer_failed(AppId app) {
  SteeringBook& book = apps_.at(app).steering;
  if (book.unanswered.empty()) return;
  book.unanswered.pop_front();
}

// ---- actions ----

void Ledger::asked_to_steer(const Steer& steer) {
  SteeringBook& book = apps_.at(steer.app).steering;
  Force asked;
  if (steer.workers.empty()) fail("new connections are steered to nobody");
  for (const WorkerId worker : steer.workers) {
    const Hand* hand = find(worker);
    if (hand == nullptr || hand->main_gone) {
      fail("new connections are steered to " + name_of_worker(worker) + ", which has gone");
      continue;
    }
    if (hand->app != steer.app) fail("new connections are steered to another app's worker");
    if (!hand->policy.steered()) fail("new connections are steered to a worker without such a socket");
    if (hand->leaving) fail("new connections are steered to " + name_of_worker(worker) + ", which leaves");
    asked.emplace(worker, hand->generation);
  }
  if (book.failed_at && now_ < *book.failed_at + kSteerAgain) fail("steering failed and is tried again at once");
  book.failed_at.reset();
  book.unanswered.push_back(std::move(asked));
}

void Ledger::starved(const Starve& starve) {
  Hand* hand = find(starve.worker);
  if (hand == nullptr || hand->main_gone) return fail("a worker is starved that is gone");
  const std::string name = name_of_worker(starve.worker);
  if (!hand->policy.steered()) fail(name + " is starved and has no socket of its own");
  if (!hand->launched) fail(name + " is starved before it was launched");
  if (!hand->drain_began) fail(name + " is starved and does not leave");
  if (std::exchange(hand->starve_lost, false)) return;  // what was right then is asked again
  if (hand->starve_began) fail(name + " is starved twice");
  const AppBook& book = apps_.at(hand->app);
  if (book.steering.names(starve.worker) && !book.stopping && !served_by(hand->app).empty()) {
    fail(name + " is starved and new connections may go to it");
  }
  hand->starve_began = now_;
}

// Why a worker may not be asked to drain now; "" for nothing.
std::string Ledger::objection_to_ask(const Hand& hand, Duration timeout) const {
  switch (hand.policy.leaving) {
    case Leaving::asked_at_once: return {};
    case Leaving::asked_when_starved:
      if (hand.starved_told || (hand.starve_began && now_ >= *hand.starve_began + kQueuesMax)) return {};
      return " is asked to drain before it is starved";
    case Leaving::asked_when_empty:
      if (timeout > hand.policy.stop_timeout) return " is empty and may drain longer than a stop lasts";
      return hand.empty_told ? "" : " is asked to drain before it is empty";
    case Leaving::stopped_when_empty: return " is asked to drain, which it does not understand";
  }
  return {};
}

// When a worker that leaves may be sent its stop signal.
Time Ledger::drain_end(const Hand& hand) const {
  const Time end = later(hand.drain_began.value_or(now_), drain_time(hand));
  if (hand.policy.leaving == Leaving::asked_when_empty && hand.asked_at) {
    return std::min(end, later(*hand.asked_at, hand.policy.stop_timeout));
  }
  const bool may_be_stopped = hand.policy.leaving == Leaving::stopped_when_empty && hand.empty_told;
  return may_be_stopped ? std::min(end, now_) : end;
}

// ---- after a step ----

// The ready workers that have a socket of a steered listener.
Force Ledger::served_by(AppId app) const {
  Force force;
  for (const auto& [id, hand] : hands_) {
    if (hand.app == app && hand.serves() && hand.policy.steered()) force.emplace(id, hand.generation);
  }
  return force;
}

void Ledger::check_steering(AppBook& book, const AppSnapshot& now, bool time_passed) {
  SteeringBook& steering = book.steering;
  for (const auto& [id, hand] : hands_) {
    if (hand.app == now.app && hand.policy.steered()) check_starving(steering, hand, time_passed);
  }
  if (steering.failed_at) {
    if (!time_passed || now_ < *steering.failed_at + kSteerAgain) return;
    steering.failed_at.reset();
  }
  if (book.stopping || book.stopped_now) return;
  check_wish(book, now);
}

// Who serves gets new connections, and nobody else does.
void Ledger::check_wish(const AppBook& book, const AppSnapshot& now) {
  const Force& wish = book.steering.wish();
  const Force all = served_by(now.app);
  if (all.empty()) return;
  if (!is_within(wish, all)) fail("new connections go to workers that are not ready while others are");
  const Force serving = of_generation(all, now.generation);
  const bool rolls_out = now.rollout && now.rollout->generation && now.rollout->generation != now.generation;
  if (!rolls_out) {
    if (wish != serving) fail("new connections do not go to the workers that serve");
    return;
  }
  const AppPolicy& policy = book.releases.at(now.rollout->release);
  const Force fresh = of_generation(all, now.rollout->generation);
  const bool all_ready = now.rollout->phase == RolloutPhase::starting && now.rollout->ready == now.rollout->wanted;
  if (all_ready && !policy.steered()) return;
  if (all_ready || serving.empty()) {
    if (wish != fresh) fail("new connections do not go to the new workers alone");
    return;
  }
  if (!is_within(serving, wish)) fail("new connections do not go to old workers that serve");
  const bool may_mix = surge(policy, now.rollout->wanted) < now.rollout->wanted ||
                       (!policy.overlap && now.rollout->kind == RolloutKind::upgrade);
  if (!may_mix && wish != serving) fail("new connections go to new workers before all of them are ready");
}

// A worker that leaves is starved as soon as nothing new can reach it, and goes on as soon as it may.
void Ledger::check_starving(const SteeringBook& steering, const Hand& hand, bool time_passed) {
  const bool drains = hand.drain_began && !hand.by_itself && !hand.stop_began && !hand.main_gone && !hand.killed;
  if (!drains || !hand.launched || hand.asked) return;
  const std::string name = name_of_worker(hand.worker);
  if (!hand.starve_began) {
    if (!steering.names(hand.worker)) fail(name + " leaves and is not starved");
    return;
  }
  if (hand.empty_told && hand.policy.leaving != Leaving::asked_when_starved) fail(name + " is empty and stays");
  if (hand.policy.leaving != Leaving::asked_when_starved) return;
  const bool had_its_time = time_passed && now_ >= *hand.starve_began + kQueuesMax;
  if (hand.starved_told || had_its_time) fail(name + " is starved and not asked to drain");
}

// By the shell's word.
void Ledger::check_committed(const AppBook& book, GenerationId generation) {
  const auto& known = book.generations.at(generation);
  const auto release = book.releases.find(known.release);
  if (release == book.releases.end() || !release->second.steered()) return;
  const Force& force = book.steering.force;
  if (!book.steering.unanswered.empty() || force.empty() || of_generation(force, generation) != force) {
    fail("a rollout is done and new connections do not go to its generation alone");
  }
}

}  // namespace sim
