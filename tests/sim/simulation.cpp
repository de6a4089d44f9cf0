#include "simulation.hpp"

#include <algorithm>
#include <ostream>
#include <utility>
#include <vector>

#include "core/text.hpp"
#include "render.hpp"

namespace sim {

namespace {

// Everything must be at rest so long after the last fault, however long back-offs and drains are.
constexpr Duration kRestMax = std::chrono::minutes(15);
constexpr std::uint64_t kStepsMax = 200'000;

Setup setup_of(const Swarm& swarm) {
  Setup setup;
  setup.apps.push_back({AppId{1}, "web"});
  if (swarm.apps > 1) setup.apps.push_back({AppId{2}, "api"});
  setup.on_start_failure = swarm.on_start_failure;
  setup.shutdown = swarm.shutdown;
  return setup;
}

}  // namespace

Simulation::Simulation(std::uint64_t seed, Bug bug, std::ostream* trace)
    : swarm_(draw_swarm(seed)),
      random_(seed ^ 0xA5A5A5A5U),
      trace_(trace),
      subject_(setup_of(swarm_), bug),
      world_(swarm_, agenda_, Random(seed ^ 0x5A5A5A5AU), [this](const Event& event) { step(event); }),
      commander_(swarm_, agenda_, Random(seed ^ 0x3C3C3C3CU), [this](const Event& event) { step(event); }),
      ledger_(setup_of(swarm_)),
      now_(Time{} + 1h) {}

Verdict Simulation::run() {
  world_.begin(now_);
  commander_.begin(now_);
  step(Begun{});
  run_until(now_ + swarm_.chaos);
  world_.calm_down();
  commander_.stop();
  run_to_rest(kRestMax, "after the last fault");
  std::uint64_t stranded = 0;
  for (std::uint64_t app = 1; app <= swarm_.apps; ++app) stranded += world_.stranded(AppId{app});
  if (goes_on()) {
    commander_.shut_down(random_.chance(20));
    run_to_rest(kRestMax, "after the shutdown was asked for");
    if (goes_on()) ledger_.fail("no exit although everything is at rest");
  }
  if (world_.cut_unasked() > 0)
    ledger_.fail("connections were cut of a worker that had not been asked to drain");
  Verdict verdict{.failure = ledger_.failure(), .steps = steps_, .rollouts = ledger_.rollouts()};
  verdict.stranded = stranded;
  for (std::uint64_t app = 1; app <= swarm_.apps; ++app)
    verdict.served += world_.listeners(AppId{app}).served;
  return verdict;
}

void Simulation::run_until(Time end) {
  while (goes_on() && std::min(agenda_.next(), subject_.next_deadline()) < end) advance();
  now_ = std::max(now_, end);
}

void Simulation::run_to_rest(Duration most, const char* phase) {
  const Time end = now_ + most;
  while (goes_on() && !at_rest()) {
    if (std::min(agenda_.next(), subject_.next_deadline()) < end) {
      advance();
      continue;
    }
    std::string unrest = ledger_.unrest(snapshot_);
    if (unrest.empty()) unrest = "clients wait and nobody accepts";
    return ledger_.fail(text_of(most) + " " + phase + " there is no rest: " + unrest);
  }
}

bool Simulation::at_rest() const {
  if (snapshot_.shutting_down || !ledger_.unrest(snapshot_).empty()) return false;
  for (const AppSnapshot& app : snapshot_.apps) {
    if (!world_.is_served(app.app, app.workers_ready)) return false;
  }
  return true;
}

// Whatever comes next: something in the world, or the core's deadline.
void Simulation::advance() {
  const Time deadline = subject_.next_deadline();
  if (deadline <= agenda_.next()) {
    const bool late = swarm_.faults.late_timer && !world_.is_calm() && random_.chance(30);
    const Time noticed = deadline + (late ? random_.between(1us, 50ms) : 0us);
    if (noticed <= agenda_.next()) {
      now_ = std::max(now_, noticed);
      return step(TimePassed{});
    }
  }
  now_ = std::max(now_, agenda_.next());
  world_.set_time(now_);
  commander_.set_time(now_);
  agenda_.take()();
  if (swarm_.faults.master_dies && !world_.is_calm() && random_.chance(2)) die();
  if (swarm_.faults.stale_events && random_.chance(5)) post_stale();
}

// Another master knows what this one had saved after its last step, and what happens to the workers meanwhile.
void Simulation::die() {
  if (!goes_on()) return;
  if (const std::string wrong = subject_.restart(); !wrong.empty()) return ledger_.fail(wrong);
  world_.master_dies();
  step(Resumed{});
}

void Simulation::step(const Event& event) {
  if (!goes_on()) return;
  if (++steps_ > kStepsMax) return ledger_.fail("too many steps: something goes round in circles");
  const bool time_passed = std::holds_alternative<TimePassed>(event);
  ActionList actions;
  ledger_.event(now_, subject_.next_deadline(), event);
  subject_.step(now_, event, actions);
  tell(event, actions);
  for (const Action& action : actions) {
    ledger_.action(action);
    if (const auto* answer = std::get_if<Answer>(&action)) commander_.answered(answer->request);
  }
  snapshot_ = subject_.snapshot();
  if (!ledger_.exited()) ledger_.after(snapshot_, subject_.next_deadline(), time_passed);
  world_.set_time(now_);
  commander_.set_time(now_);
  for (const Action& action : actions) world_.perform(now_, action);
  if (!world_.failure().empty()) ledger_.fail(world_.failure());
}

// Events about workers that are gone, on their way when they went: nothing follows from them.
void Simulation::post_stale() {
  const auto& processes = world_.processes();
  if (processes.empty()) return;
  auto chosen = processes.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(random_.below(processes.size())));
  const WorkerId worker = chosen->first;
  if (ledger_.knows(worker)) return;
  const Event event = random_.pick(std::vector<Event>{
      Launched{worker}, WorkerReady{worker}, WorkerStopping{worker}, DeadlineExtended{worker, 5s},
      WatchdogPinged{worker}, WatchdogTriggered{worker}, WatchdogChanged{worker, 1s}, TreeGone{worker},
      WorkerStarved{worker}, WorkerEmpty{worker},
      WorkerExited{worker, {}, {}, true}, LaunchFailed{worker, Reason::exec_failed, ""}, TimePassed{},
      RequestGone{RequestId{1'000'000}}});
  const bool due = std::holds_alternative<TimePassed>(event) && subject_.next_deadline() <= now_;
  if (due || !goes_on()) return;
  ActionList actions;
  subject_.step(now_, event, actions);
  if (trace_ != nullptr) tell(event, actions);
  if (!actions.empty()) ledger_.fail("something follows from an event about what is gone");
}

void Simulation::tell(const Event& event, const ActionList& actions) {
  if (trace_ == nullptr) return;
  const auto since = std::chrono::duration_cast<Duration>(now_ - (Time{} + 1h));
  *trace_ << "# " << since.count() / 1000 << "." << since.count() % 1000 / 100 << "ms  " << render(event)
          << '\n';
  for (const Action& action : actions) *trace_ << "#        " << render(action) << '\n';
}

}  // namespace sim
