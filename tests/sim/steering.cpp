// Steered listeners: the part of the world in which new clients go where the core says, and workers that leave are
// watched until nobody waits for them.

#include <algorithm>
#include <string>

#include "world.hpp"

namespace sim {

namespace {

// How long the master lets what waits in a leaving worker's queue wait.
constexpr Duration kQueuesMax = 5s;

bool cuts_clients(const AppPolicy& policy) {
  return policy.leaving == Leaving::asked_when_empty || policy.leaving == Leaving::stopped_when_empty;
}

std::string name_of(WorkerId worker) { return "w" + std::to_string(worker.value); }

}  // namespace

void World::give_sockets(const Spawn& action, const AppPolicy& policy) {
  if (!policy.steered()) return;
  const bool own_queue = traits_of(action.app).queues == Queues::per_worker || cuts_clients(policy);
  Sides& sides = listeners_.at(action.app).sides;
  sides.give(action, own_queue);
  for (const WorkerId user : sides.of(action.worker)->users) processes_.at(user).starved_alone = false;
}

// What was asked for is done some time before it is answered; the next one waits for that.
void World::steer(const Steer& action) {
  const AppId app = action.app;
  const bool fails = swarm_.faults.steer_fails && !calm_ && random_.chance(30);
  Time& told = steering_told_[app];
  told = std::max(told, now_ + delay(0ms, 1ms));
  if (!fails) {
    agenda_.at(told, [this, action] {
      Sides& sides = listeners_.at(action.app).sides;
      sides.steer(action.workers);
      for (const WorkerId worker : action.workers) {
        if (processes_.at(worker).starve_began != Time{}) sides.starve(worker);  // meanwhile
      }
    });
  }
  told = std::max(told, now_ + delay(0ms, 1ms));
  answer_at(told, fails ? Event(SteerFailed{app, "setsockopt: Cannot allocate memory"}) : Event(Steered{app}));
}

void World::starve(const Starve& action) {
  Process* process = alive(action.worker);
  if (process == nullptr) return;
  if (process->starve_began == Time{}) process->starve_began = now_;
  listeners_.at(process->app).sides.starve(action.worker);
  watch(action.worker, false, false);
}

// What is true twice in a row is told.
void World::watch(WorkerId worker, bool was_starved, bool was_empty) {
  in(delay(1ms, 50ms), [this, worker, was_starved, was_empty, master = master_] {
    Process* it = alive(worker);
    if (it == nullptr || master != master_) return;
    Listeners& listeners = listeners_.at(it->app);
    const bool is_settled = now_ >= steering_told_[it->app];  // the shell looks only when it has done what it was asked
    const bool starved = is_settled && listeners.sides.starved(worker, listeners.quiesced);
    const bool empty = starved && it->connections == 0;
    if (starved && was_starved && !it->told_starved) {
      it->told_starved = true;
      const Side* side = listeners.sides.of(worker);
      const auto leaves = [&](WorkerId user) { return processes_.at(user).starve_began != Time{}; };
      it->starved_alone = side == nullptr || std::ranges::all_of(side->users, leaves);
      tell(worker, WorkerStarved{worker}, delay(0ms, 1ms));
    }
    if (empty && was_empty) {
      it->told_empty = true;
      return tell(worker, WorkerEmpty{worker}, delay(0ms, 1ms));
    }
    const bool is_over = it->told_starved && it->policy.leaving == Leaving::asked_when_starved;
    if (!is_over) watch(worker, starved, empty);
  });
}

void World::client_comes_to_side(AppId app) {
  Sides& sides = listeners_.at(app).sides;
  Side* side = sides.pick(random_);
  const bool is_listed = traits_of(app).listening != Listening::changing ||
                         std::ranges::any_of(sides.all(), [](const Side& one) { return !one.users.empty(); });
  if (side == nullptr || !is_listed) return;
  const bool nobody_accepts =
      !side->users.empty() && std::ranges::all_of(side->users, [this](WorkerId user) {
        const Process& process = processes_.at(user);
        return process.draining && process.told_starved && process.starved_alone;
      });
  if (nobody_accepts) fail("a client comes to a queue that " + name_of(*side->users.begin()) + " has left");
  side->queue.push_back(now_);
}

// Whoever waits in a queue whose last worker has gone waits for the next one that is spawned. Nobody may, where all of
// its workers left as they should.
void World::leaves_side(const Process& process) {
  Sides& sides = listeners_.at(process.app).sides;
  const Side* side = sides.of(process.worker);
  sides.left(process.worker, process.told_empty || (process.told_starved && !process.signalled));
  if (side != nullptr && side->users.empty() && !side->queue.empty() && !side->excused) {
    fail("clients are left in the queue of " + name_of(process.worker) + ", which has left");
  }
}

// It is going to accept nothing more from its queue.
void World::check_starved(const Process& process) {
  if (process.policy.leaving != Leaving::asked_when_starved || now_ >= process.starve_began + kQueuesMax) return;
  const Side* side = listeners_.at(process.app).sides.of(process.worker);
  if (process.starved_alone && side != nullptr && !side->queue.empty()) {
    fail(name_of(process.worker) + " is asked to drain and clients wait in its queue");
  }
}

void World::check_empty(const Process& process) {
  if (!process.told_empty || !cuts_clients(process.policy)) return;
  fail("a client got to " + name_of(process.worker) + ", which was said to have none left");
}

// A queue that nothing has any more waits for the next worker that is spawned, and there may be none; one whose workers
// all are deaf or hang is nothing that the core can know of.
bool World::is_served(const Side& side) const {
  if (side.queue.empty()) return true;
  return std::ranges::none_of(side.users, [this](WorkerId user) {
    const Process& process = processes_.at(user);
    return process.main_alive && !process.hung && !process.character.deaf;
  });
}

std::size_t World::stranded(AppId app) const {
  std::size_t count = 0;
  for (const Side& side : listeners_.at(app).sides.all()) {
    if (side.users.empty()) count += side.queue.size();
  }
  return count;
}

}  // namespace sim
