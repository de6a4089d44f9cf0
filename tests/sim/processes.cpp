// The life of simulated workers: the half of the world that has to do with processes.

#include <algorithm>
#include <csignal>
#include <utility>

#include "world.hpp"

namespace sim {

void World::spawn(const Spawn& action) {
  const Release& release = releases_.at(action.app).at(action.release);
  Process process{.worker = action.worker,
                  .app = action.app,
                  .release = action.release,
                  .policy = release.policy,
                  .character = draw_character(swarm_, release.flaw, calm_, release.policy, random_)};
  const Character& character = process.character;
  const WorkerId worker = action.worker;
  const bool fails = character.exec_fails || character.spawn_fails;
  const Reason reason = character.spawn_fails ? Reason::spawn_failed : Reason::exec_failed;
  processes_.insert_or_assign(worker, std::move(process));
  give_sockets(action, release.policy);
  in(delay(1ms, 5ms), [this, worker, fails, reason] {
    Process* it = alive(worker);
    if (it == nullptr) return;
    if (!fails) return run(*it);
    it->main_alive = false;
    tell(worker, LaunchFailed{worker, reason, "exec ./server: No such file or directory"}, 0ms);
  });
}

void World::run(Process& process) {
  const WorkerId worker = process.worker;
  process.running = true;
  tell(worker, Launched{worker}, delay(0ms, 1ms));
  const Character& character = process.character;
  if (character.accepts_early && !character.deaf) set_accepting(process, true);
  if (character.exits_early) {
    while_running(worker, *character.exits_early, [this](Process& it) { die(it, {.code = 1}); });
  }
  if (!character.never_ready) {
    while_running(worker, character.ready_after, [this](Process& it) { say_ready(it); });
  }
  if (character.extends) extend_later(worker);
  pump(process.app);
}

void World::say_ready(Process& process) {
  if (process.draining || process.hung) return;
  set_accepting(process, !process.character.deaf);
  tell(process.worker, WorkerReady{process.worker}, delay(0ms, 1ms));
  plan_misdeeds(process);
  process.watchdog = process.policy.watchdog;
  if (process.character.watched) {
    process.watchdog = process.character.watched;
    tell(process.worker, WatchdogChanged{process.worker, *process.watchdog}, 0ms);
  }
  if (process.watchdog && process.watchdog > 0s) ping_later(process.worker);
  pump(process.app);
}

void World::plan_misdeeds(Process& process) {
  const Character& character = process.character;
  const WorkerId worker = process.worker;
  if (character.crashes) {
    while_running(worker, *character.crashes, [this](Process& it) {
      if (!calm_) die(it, {.signaled = true, .code = SIGSEGV, .core_dumped = true});
    });
  }
  if (character.hangs) {
    while_running(worker, *character.hangs, [this](Process& it) {
      if (calm_) return;
      it.hung = true;
      set_accepting(it, false);
      if (random_.chance(20)) tell(it.worker, WatchdogTriggered{it.worker}, delay(0ms, 1ms));
    });
  }
  if (character.leaves) {
    while_running(worker, *character.leaves, [this](Process& it) {
      if (calm_ || it.draining || it.hung) return;
      tell(it.worker, WorkerStopping{it.worker}, delay(0ms, 1ms));
      drain(it);
    });
  }
}

void World::ping_later(WorkerId worker) {
  const Process& process = processes_.at(worker);
  while_running(worker, *process.watchdog / 3, [this](Process& it) {
    if (it.hung) return;
    tell(it.worker, WatchdogPinged{it.worker}, 0ms);
    ping_later(it.worker);
  });
}

void World::extend_later(WorkerId worker) {
  const Duration by = *processes_.at(worker).character.extends;
  while_running(worker, by / 2, [this, by](Process& it) {
    if (calm_) return;
    tell(it.worker, DeadlineExtended{it.worker, by}, delay(0ms, 1ms));
    extend_later(it.worker);
  });
}

void World::drain(Process& process) {
  if (process.hung || process.draining) return;
  if (process.character.ignores_drain && process.asked_drain) return;
  process.draining = true;
  set_accepting(process, false);
  const bool cuts = process.policy.leaving == Leaving::asked_when_empty && process.asked_drain;
  if (cuts) return die(process, {.code = 0});
  leave_when_idle(process);
}

void World::leave_when_idle(Process& process) {
  if (process.connections > 0) return;
  while_running(process.worker, delay(0ms, 20ms), [this](Process& it) {
    if (it.connections == 0) die(it, {.code = 0});
  });
}

// ---- signals ----

void World::signal(const SignalWorker& action) {
  const WorkerId worker = action.worker;
  const int signo = action.signo;
  processes_.at(worker).signalled = true;
  if (action.whole_tree && signo == SIGKILL) {
    return in(random_.between(0ms, 1ms), [this, worker] { kill(worker); });
  }
  if (action.whole_tree) {
    return in(random_.between(0ms, 1ms), [this, worker, signo] { signal_children(worker, signo); });
  }
  spoken_to(worker);
  in(random_.between(0ms, 1ms), [this, worker, signo] {
    if (Process* process = alive(worker)) signal_main(*process, signo);
  });
}

void World::signal_main(Process& process, int signo) {
  if (!process.running) {  // the launcher dies of it, and its end is told in either way
    process.main_alive = false;
    if (random_.chance(50)) {
      return tell(process.worker, LaunchFailed{process.worker, Reason::spawn_failed, "ended"},
                  delay(0ms, 1ms));
    }
    return tell(process.worker, WorkerExited{process.worker, {.signaled = true, .code = signo}, {}, true},
                delay(0ms, 1ms));
  }
  if (process.character.ignores_term) return;
  const bool asks_to_drain = process.policy.drain_by_signal && signo == process.policy.drain_signal &&
                             process.policy.leaving != Leaving::stopped_when_empty;
  if (asks_to_drain && signo != SIGABRT && !process.hung) return drain(process);
  die(process, {.signaled = true, .code = signo, .core_dumped = signo == SIGABRT});
}

void World::signal_children(WorkerId worker, int /*signo*/) {
  const auto found = processes_.find(worker);
  if (found == processes_.end() || !found->second.children_alive) return;
  if (!found->second.character.ignores_term) children_end(worker);
}

void World::kill(WorkerId worker) {
  const auto found = processes_.find(worker);
  if (found == processes_.end()) return;
  Process& process = found->second;
  process.kills += 1;
  if (process.kills < process.character.kills_needed && !calm_) return;
  if (process.main_alive && process.connections > 0 && !process.asked_drain && !process.draining) {
    cut_unasked_ += process.connections;
  }
  if (process.main_alive) {
    process.character.leftovers = process.character.leftovers && random_.chance(30);
    die(process, {.signaled = true, .code = SIGKILL});
  }
  if (process.children_alive) in(random_.between(0ms, 2ms), [this, worker] { children_end(worker); });
}

void World::die(Process& process, ExitStatus status) {
  const WorkerId worker = process.worker;
  process.main_alive = false;
  process.running = false;
  set_accepting(process, false);
  process.connections = 0;
  process.children_alive = process.character.leftovers;
  const bool seen_gone = !process.children_alive && random_.chance(80);
  tell(worker, WorkerExited{worker, status, {"last words"}, seen_gone}, delay(0ms, 2ms));
  if (!process.children_alive && !seen_gone) tell(worker, TreeGone{worker}, delay(0ms, 5ms));
  if (!process.children_alive || !process.character.leftovers_last) return;
  in(*process.character.leftovers_last, [this, worker] { children_end(worker); });
}

void World::children_end(WorkerId worker) {
  Process& process = processes_.at(worker);
  if (!process.children_alive) return;
  process.children_alive = false;
  tell(worker, TreeGone{worker}, delay(0ms, 2ms));
}

}  // namespace sim
