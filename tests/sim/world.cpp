#include "world.hpp"

#include <algorithm>
#include <csignal>
#include <iterator>
#include <utility>
#include <variant>
#include <vector>

namespace sim {

World::World(const Swarm& swarm, Agenda& agenda, Random random, Post post)
    : swarm_(swarm), agenda_(agenda), random_(random), post_(std::move(post)) {}

void World::begin(Time now) {
  now_ = now;
  for (std::uint64_t app = 1; app <= swarm_.apps; ++app) {
    listeners_.emplace(AppId{app}, Listeners{});
    client_comes(AppId{app});
  }
}

void World::perform(Time now, const Action& action) {
  now_ = now;
  struct Performer {
    World& world;
    void operator()(const RunHook& a) { world.run_hook(a); }
    void operator()(const StopHook&) {}  // its answer, which nobody wants any more, comes all the same
    void operator()(const PrepareRelease& a) { world.prepare(a); }
    void operator()(const DropRelease&) {}
    void operator()(const OpenListeners& a) { world.open(a); }
    void operator()(const QuiesceListeners& a) { world.quiesce(a); }
    void operator()(const CloseListeners& a) { world.close(a); }
    void operator()(const ReassertListeners&) {}
    void operator()(const Steer& a) { world.steer(a); }
    void operator()(const Starve& a) { world.starve(a); }
    void operator()(const Spawn& a) { world.spawn(a); }
    void operator()(const AskDrain& a) {
      World& w = world;
      w.spoken_to(a.worker);
      w.while_running(a.worker, w.delay(0ms, 1ms), [&w](Process& process) {
        w.check_starved(process);
        w.drain(process);
      });
    }
    void operator()(const SignalWorker& a) { world.signal(a); }
    void operator()(const Answer&) {}
    void operator()(const Tell&) {}
    void operator()(const Exit&) {}
  };
  std::visit(Performer{*this}, action);
}

void World::in(Duration delay, std::function<void()> deed) { agenda_.at(now_ + delay, std::move(deed)); }

Duration World::delay(Duration least, Duration most) {
  if (swarm_.faults.slow_shell && !calm_ && random_.chance(20)) most *= 100;
  return random_.between(least, most);
}

void World::tell(WorkerId worker, const Event& event, Duration after) {
  Time& told = processes_.at(worker).told;
  told = std::max(told, now_ + after);
  const auto* exited = std::get_if<WorkerExited>(&event);
  const bool is_last = (exited != nullptr && exited->tree_gone) || std::holds_alternative<TreeGone>(event) ||
                       std::holds_alternative<LaunchFailed>(event);
  agenda_.at(told, [this, worker, event, is_last] {
    if (is_last) leaves_side(processes_.at(worker));
    post_(event);
  });
}

void World::answer(Duration after, const Event& event) { answer_at(now_ + after, event); }

void World::answer_at(Time at, const Event& event) {
  agenda_.at(at, [this, event, master = master_] {
    if (master == master_) post_(event);
  });
}

void World::tell_app(AppId app, const Event& event, Duration after) {
  Time& told = app_told_[app];
  told = std::max(told, now_ + after);
  answer_at(told, event);
}

// Its answers are lost, and nobody looks at queues and connections any more until he is asked to.
void World::master_dies() {
  master_ += 1;
  for (auto& [app, listeners] : listeners_) listeners.quiet_told = false;
  for (auto& [worker, process] : processes_) process.told_starved = process.told_empty = false;
}

void World::spoken_to(WorkerId worker) {
  if (Process* process = alive(worker)) process->asked_drain = true;
}

Process* World::alive(WorkerId worker) {
  const auto found = processes_.find(worker);
  return found == processes_.end() || !found->second.main_alive ? nullptr : &found->second;
}

void World::while_running(WorkerId worker, Duration after, std::function<void(Process&)> deed) {
  in(after, [this, worker, deed = std::move(deed)] {
    Process* process = alive(worker);
    if (process != nullptr && process->running) deed(*process);
  });
}

bool World::is_served(AppId app, std::uint32_t ready) const {
  const Listeners& listeners = listeners_.at(app);
  const bool sides = std::ranges::all_of(listeners.sides.all(), [this](const Side& side) { return is_served(side); });
  if (!sides || listeners.queue.empty() || ready == 0) return sides;
  return std::ranges::any_of(processes_, [app](const auto& entry) {
    const Process& process = entry.second;
    return process.app == app && process.main_alive && (process.hung || process.character.deaf);
  });
}

// ---- releases and listeners ----

void World::run_hook(const RunHook& action) {
  const bool fails = swarm_.faults.hook_fails && !calm_ && random_.chance(50);
  const bool hangs = fails && random_.chance(30);
  HookEnded ended{.app = action.app, .request = action.request, .ok = !fails};
  if (fails) ended.text = hangs ? "took longer than 1m" : "exited with status 1";
  if (!fails && random_.chance(30)) ended.target = "/srv/chosen";
  answer(hangs ? Duration(60s) : delay(1ms, 5s), ended);
}

void World::prepare(const PrepareRelease& action) {
  if (swarm_.faults.refused_releases && !calm_ && random_.chance(30)) {
    return answer(delay(1ms, 50ms), ReleaseRefused{action.app, action.release, "the file has an error"});
  }
  auto& releases = releases_[action.app];
  const auto last = releases.find(last_prepared_[action.app]);
  const bool same = last != releases.end() && random_.chance(20);
  Release release{.policy = same ? last->second.policy : draw_policy(swarm_, action.app, random_)};
  if (swarm_.faults.bad_releases && !calm_ && random_.chance(50)) {
    release.flaw = random_.pick(std::vector{Flaw::exec, Flaw::exits, Flaw::never_ready, Flaw::dies_ready});
  }
  releases.insert_or_assign(action.release, release);
  last_prepared_[action.app] = action.release;
  answer(delay(1ms, 50ms), ReleasePrepared{action.app, action.release, release.policy, "label", same});
}

void World::open(const OpenListeners& action) {
  if (swarm_.faults.bind_fails && !calm_ && random_.chance(30)) {
    return tell_app(action.app, ListenersFailed{action.app, "bind(0.0.0.0:80): Address already in use"},
                    delay(0ms, 5ms));
  }
  listeners_.at(action.app).open = true;
  tell_app(action.app, ListenersOpened{action.app}, delay(0ms, 5ms));
}

void World::quiesce(const QuiesceListeners& action) {
  listeners_.at(action.app).quiesced = true;
  check_quiet(action.app);
}

void World::check_quiet(AppId app) {
  Listeners& listeners = listeners_.at(app);
  if (!listeners.quiesced || listeners.quiet_told || listeners.waiting() > 0) return;
  listeners.quiet_told = true;
  in(delay(0ms, 2ms), [this, app, master = master_] {
    if (master == master_ && listeners_.at(app).quiet_told) post_(ListenersQuiet{app});
  });
}

void World::close(const CloseListeners& action) {
  Listeners& listeners = listeners_.at(action.app);
  listeners.reset += listeners.waiting();
  listeners.queue.clear();
  listeners.sides = {};
  listeners.open = listeners.quiesced = listeners.quiet_told = false;
}

// ---- clients ----

void World::client_comes(AppId app) {
  in(random_.between(1ms, swarm_.client_gap), [this, app] {
    Listeners& listeners = listeners_.at(app);
    if (listeners.open && !listeners.quiesced) {
      const Listening listening = traits_of(app).listening;
      const bool is_steered = listening != Listening::shared && (listening == Listening::steered || random_.chance(50));
      if (is_steered) {
        client_comes_to_side(app);
      } else {
        listeners.queue.push_back(now_);
      }
    }
    pump(app);
    if (!calm_) client_comes(app);
  });
}

void World::pump(AppId app) {
  Listeners& listeners = listeners_.at(app);
  const std::set<WorkerId>& accepting = accepting_[app];
  pump(listeners, listeners.queue, accepting);
  for (Side& side : listeners.sides.all()) {
    std::set<WorkerId> users;
    std::ranges::set_intersection(side.users, accepting, std::inserter(users, users.end()));
    pump(listeners, side.queue, users);
  }
  check_quiet(app);
}

void World::pump(Listeners& listeners, std::deque<Time>& queue, const std::set<WorkerId>& accepting) {
  while (!queue.empty() && !accepting.empty()) {
    queue.pop_front();
    listeners.served += 1;
    accept(processes_.at(random_.pick(accepting)));
  }
}

void World::set_accepting(Process& process, bool accepting) {
  if (accepting) {
    accepting_[process.app].insert(process.worker);
  } else {
    accepting_[process.app].erase(process.worker);
  }
}

void World::accept(Process& process) {
  check_empty(process);
  process.connections += 1;
  const bool is_long = swarm_.faults.long_connections && !calm_ && random_.chance(20);
  const Duration lasts = is_long ? random_.between(1s, 100s) : random_.between(1ms, 500ms);
  while_running(process.worker, lasts, [this](Process& it) {
    it.connections -= 1;
    if (it.draining) leave_when_idle(it);
  });
}

}  // namespace sim
