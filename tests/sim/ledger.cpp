#include "ledger.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace sim {

namespace {

std::string text_of(const Hand& hand) {
  return "w" + std::to_string(hand.worker.value) + " (g" + std::to_string(hand.generation.value) + "/" +
         std::to_string(hand.slot) + ")";
}

constexpr std::size_t kSpawnsPerSecondMax = 110;

}  // namespace

Duration drain_time(const Hand& hand) {
  return hand.was_ready ? hand.policy.drain_timeout
                        : std::min(hand.policy.drain_timeout, hand.policy.stop_timeout);
}

Ledger::Ledger(const Setup& setup) : shutdown_timeout_(setup.shutdown.timeout) {
  for (const AppSetup& app : setup.apps) apps_.emplace(app.id, AppBook{});
}

void Ledger::fail(const std::string& text) {
  if (failure_.empty()) failure_ = text;
}

Hand* Ledger::find(WorkerId worker) {
  const auto found = hands_.find(worker);
  return found == hands_.end() ? nullptr : &found->second;
}

std::uint32_t Ledger::serving(AppId app) const {
  return static_cast<std::uint32_t>(std::count_if(hands_.begin(), hands_.end(), [app](const auto& entry) {
    return entry.second.app == app && entry.second.serves();
  }));
}

std::uint32_t Ledger::serving(AppId app, GenerationId generation) const {
  return static_cast<std::uint32_t>(std::count_if(hands_.begin(), hands_.end(), [&](const auto& entry) {
    return entry.second.app == app && entry.second.generation == generation && entry.second.serves();
  }));
}

std::uint32_t Ledger::living(AppId app) const {
  return static_cast<std::uint32_t>(std::count_if(hands_.begin(), hands_.end(), [app](const auto& entry) {
    return entry.second.app == app && entry.second.lives();
  }));
}

bool Ledger::serves_beside(const Hand& hand) const {
  return std::any_of(hands_.begin(), hands_.end(), [&](const auto& entry) {
    const Hand& other = entry.second;
    return other.worker != hand.worker && other.app == hand.app && other.generation == hand.generation &&
           other.slot == hand.slot && other.serves();
  });
}

// A serving worker went out of service without the core's doing.
void Ledger::lost(Hand& hand) {
  if (hand.serves() && !serves_beside(hand)) {
    apps_.at(hand.app).generations[hand.generation].crashed.insert(hand.slot);
  }
  hand.leaving = true;
}

// The core takes a worker out of service.
void Ledger::taken_out(Hand& hand) {
  if (hand.serves() && !excused_ && !serves_beside(hand)) {
    AppBook& book = apps_.at(hand.app);
    book.removed_now = true;
    book.generations[hand.generation].removed.insert(hand.slot);
  }
  hand.leaving = true;
}

// Then its slot may have two workers for a while.
bool Ledger::is_restarting_slot(const AppBook& book) const {
  const auto& rollout = book.before.rollout;
  return slot_asked_ ||
         (rollout && rollout->kind == RolloutKind::restart && rollout->generation == book.before.generation);
}

void Ledger::forget(WorkerId worker) { hands_.erase(worker); }

// ---- events ----

struct Ledger::EventBook {
  Ledger& l;

  void operator()(const HookEnded& e) {
    AppBook& book = l.apps_.at(e.app);
    if (book.hook != e.request) return;
    book.hook.reset();
    if (e.ok) book.hooks_due.erase(e.request);
  }
  void operator()(const ReleasePrepared& e) {
    l.apps_.at(e.app).releases.insert_or_assign(e.release, e.policy);
  }
  void operator()(const ListenersOpened& e) { opened(l.apps_.at(e.app), true); }
  void operator()(const ListenersFailed& e) { opened(l.apps_.at(e.app), false); }
  void operator()(const ListenersQuiet& e) { l.apps_.at(e.app).quiet = true; }
  void operator()(const Steered& e) { l.steered(e.app); }
  void operator()(const SteerFailed& e) { l.steer_failed(e.app); }
  void operator()(const WorkerStarved& e) {
    Hand* hand = l.find(e.worker);
    if (hand != nullptr && hand->starve_began) hand->starved_told = true;
  }
  void operator()(const WorkerEmpty& e) {
    Hand* hand = l.find(e.worker);
    if (hand != nullptr && hand->starve_began) hand->empty_told = true;
  }
  void operator()(const Launched& e) {
    if (Hand* hand = l.find(e.worker)) hand->launched = true;
  }
  void operator()(const LaunchFailed& e) {
    Hand* hand = l.find(e.worker);
    if (hand == nullptr) return;
    l.lost(*hand);
    l.forget(e.worker);
  }
  void operator()(const WorkerReady& e) {
    Hand* hand = l.find(e.worker);
    if (hand == nullptr || !hand->lives() || hand->was_ready) return;
    hand->was_ready = true;
    GenerationBook& generation = l.apps_.at(hand->app).generations[hand->generation];
    generation.removed.erase(hand->slot);
    generation.crashed.erase(hand->slot);
  }
  void operator()(const WorkerStopping& e) {
    Hand* hand = l.find(e.worker);
    if (hand == nullptr || !hand->serves()) return;
    l.lost(*hand);
    hand->by_itself = true;
  }
  void operator()(const WorkerExited& e) {
    Hand* hand = l.find(e.worker);
    if (hand == nullptr || hand->main_gone) return;
    l.lost(*hand);
    hand->main_gone = true;
    if (e.tree_gone) l.forget(e.worker);
  }
  void operator()(const TreeGone& e) {
    const Hand* hand = l.find(e.worker);
    if (hand != nullptr && hand->main_gone) l.forget(e.worker);
  }
  void operator()(const DeadlineExtended& e) {
    if (Hand* hand = l.find(e.worker)) hand->extended = true;
  }
  void operator()(const DrainAsked& e) {
    for (auto& [id, hand] : l.hands_) hand.extended |= e.extend && hand.app == e.app;
    asked(e.request, {});
  }
  void operator()(const UpgradeAsked& e) {
    if (e.hook) l.apps_.at(e.app).hooks_due.insert(e.request);
    asked(e.request,
          {.upgrade = true, .level = e.wait, .app = e.app, .served = l.apps_.at(e.app).before.generation});
  }
  void operator()(const RestartAsked& e) {
    l.excused_ = e.now;
    l.slot_asked_ = e.slot.has_value() && !e.now;
    asked(e.request, {});
  }
  void operator()(const ScaleAsked& e) {
    l.excused_ = true;
    asked(e.request, {});
  }
  void operator()(const AdoptAsked& e) {
    l.apps_.at(e.app).may_have_adopted = true;
    asked(e.request, {});
  }
  void operator()(const StopAsked& e) {
    if (e.now) l.apps_.at(e.app).hurried = true;
    asked(e.request, {});
  }
  void operator()(const ShutdownAsked& e) {
    if (e.now) hurry_all();
    l.cut_asked_ = e.now;
    if (e.request) asked(*e.request, {});
  }
  void operator()(const TimePassed&) {
    l.cut_asked_ = l.shutdown_ && l.now_ >= *l.shutdown_ + l.shutdown_timeout_;
    if (!l.cut_asked_) return;
    hurry_all();
    l.woken_ = false;  // all may be stopping already
  }
  // What is not answered is asked for again.
  void operator()(const Resumed&) {
    for (auto& [id, book] : l.apps_) {
      book.opens_pending = 0;
      book.hook.reset();
      for (const Force& asked : book.steering.unanswered) book.steering.force.insert(asked.begin(), asked.end());
      book.steering.unanswered.clear();
    }
    for (auto& [id, hand] : l.hands_) hand.starve_lost = hand.starve_began.has_value();
  }
  void operator()(const RequestGone& e) { l.requests_.erase(e.request); }
  template <class Any>
  void operator()(const Any& e) {
    if constexpr (requires { e.request; }) asked(e.request, {});
  }

  void asked(RequestId request, Asked how) { l.requests_.insert_or_assign(request, how); }
  // Of several attempts, with stops in between, the last one counts.
  void opened(AppBook& book, bool open) {
    book.opens_pending -= 1;
    if (book.opens_pending == 0 && book.opening) book.listeners_open = open;
  }
  void hurry_all() {
    for (auto& [id, app] : l.apps_) app.hurried = true;
  }
};

// The end of a shutdown's delay, or of the time for the listeners' queues: nothing may be left to stop then.
bool Ledger::ends_a_wait(Time now) const {
  const auto comes = [&](std::optional<Time> end) { return end && *end > now_ && *end <= now; };
  return comes(delay_end_) || std::any_of(apps_.begin(), apps_.end(), [&](const auto& entry) {
           const auto& quiesced = entry.second.quiesced;
           return quiesced && comes(*quiesced + std::chrono::seconds(5));
         });
}

void Ledger::event(Time now, Time deadline, const Event& event) {
  const bool may_be_idle = ends_a_wait(now);
  now_ = now;
  excused_ = slot_asked_ = cut_asked_ = false;
  woken_ = std::holds_alternative<TimePassed>(event) && deadline <= now && !may_be_idle;
  for (auto& [id, book] : apps_) {
    book.removed_now = false;
    book.stopped_now = book.stopping;
  }
  std::visit(EventBook{*this}, event);
}

// ---- actions ----

struct Ledger::ActionBook {
  Ledger& l;

  void operator()(const RunHook& a) {
    AppBook& book = l.apps_.at(a.app);
    if (book.hook) l.fail("a hook is run while another one is");
    book.hook = a.request;
  }
  void operator()(const StopHook& a) {
    if (std::exchange(l.apps_.at(a.app).hook, std::nullopt) != a.request) l.fail("a hook is stopped that does not run");
  }
  void operator()(const PrepareRelease& a) {
    const AppBook& book = l.apps_.at(a.app);
    if (book.hook) l.fail("a release is made while a hook runs");
    if (a.request && book.hooks_due.contains(*a.request)) l.fail("a release is made before its hook has passed");
    if (l.apps_.at(a.app).releases.contains(a.release)) l.fail("a release number is given out twice");
  }
  void operator()(const DropRelease& a) {
    if (l.apps_.at(a.app).releases.erase(a.release) == 0) l.fail("a release is dropped that is not there");
    for (const auto& [id, hand] : l.hands_) {
      if (hand.app == a.app && hand.release == a.release)
        l.fail(text_of(hand) + " lives and its release is dropped");
    }
  }
  void operator()(const OpenListeners& a) {
    AppBook& book = l.apps_.at(a.app);
    if (book.listeners_open) l.fail("listeners are opened that are open");
    book.opens_pending += 1;
    book.opening = true;
    book.hurried = false;
  }
  void operator()(const QuiesceListeners& a) {
    auto& quiesced = l.apps_.at(a.app).quiesced;
    if (!quiesced) quiesced = l.now_;  // asked again by a new master, it is not given more time
    l.apps_.at(a.app).quiet = false;
  }
  void operator()(const CloseListeners& a) { l.closed(a.app); }
  void operator()(const ReassertListeners&) {}
  void operator()(const Steer& a) { l.asked_to_steer(a); }
  void operator()(const Starve& a) { l.starved(a); }
  void operator()(const Spawn& a) { l.spawned(a); }
  void operator()(const AskDrain& a) {
    Hand* hand = l.find(a.worker);
    if (hand == nullptr || hand->main_gone) return l.fail("a worker is asked to drain that is gone");
    if (!hand->launched) l.fail(text_of(*hand) + " is asked to drain before it was launched");
    if (hand->asked) l.fail(text_of(*hand) + " is asked to drain twice");
    if (a.timeout > drain_time(*hand) && !hand->extended)
      l.fail(text_of(*hand) + " may drain longer than it has");
    const std::string objection = l.objection_to_ask(*hand, a.timeout);
    if (!objection.empty()) l.fail(text_of(*hand) + objection);
    hand->asked = true;
    hand->asked_at = l.now_;
    if (hand->policy.drain_by_signal && !hand->signals.insert(hand->policy.drain_signal).second) {
      l.fail(text_of(*hand) + " is sent the drain signal twice");
    }
    l.taken_out(*hand);
  }
  void operator()(const SignalWorker& a) { l.signalled(a); }
  void operator()(const Answer& a) { l.answered(a); }
  void operator()(const Tell& a) { l.noted(a.note); }
  void operator()(const Exit&) {
    if (!l.hands_.empty()) l.fail("exit while " + text_of(l.hands_.begin()->second) + " is there");
    if (!l.requests_.empty()) l.fail("exit while a request is not answered");
    l.exited_ = true;
  }
};

void Ledger::action(const Action& action) {
  if (exited_) return fail("an action after exit");
  woken_ = false;
  std::visit(ActionBook{*this}, action);
}

void Ledger::spawned(const Spawn& spawn) {
  AppBook& book = apps_.at(spawn.app);
  if (spawn.worker <= last_worker_) fail("a worker's identity is used again");
  last_worker_ = spawn.worker;
  if (!book.listeners_open) fail("a worker is spawned without listeners");
  const auto release = book.releases.find(spawn.release);
  if (release == book.releases.end()) return fail("a worker is spawned from a release that is not there");
  const auto [generation, is_new] =
      book.generations.try_emplace(spawn.generation, GenerationBook{.release = spawn.release});
  if (generation->second.release != spawn.release)
    fail("a worker is spawned from another generation's release");
  if (generation->second.draining) fail("a worker is spawned in a draining generation");
  std::uint32_t beside = 0;
  for (const auto& [id, hand] : hands_) {
    const bool same = hand.app == spawn.app && hand.generation == spawn.generation && hand.slot == spawn.slot;
    if (same && hand.lives()) beside += 1;
  }
  const std::uint32_t allowed = is_restarting_slot(book) ? 1 : 0;
  if (beside > allowed) fail("a slot has two workers");
  auto& times = spawns_[{spawn.app, spawn.generation, spawn.slot}];
  times.push_back(now_);
  while (now_ - times.front() > std::chrono::seconds(1)) times.pop_front();
  if (times.size() > kSpawnsPerSecondMax) fail("a slot is filled again and again without a pause");
  hands_.emplace(spawn.worker, Hand{.worker = spawn.worker,
                                    .app = spawn.app,
                                    .generation = spawn.generation,
                                    .slot = spawn.slot,
                                    .release = spawn.release,
                                    .policy = release->second});
}

void Ledger::signalled(const SignalWorker& signal) {
  Hand* hand = find(signal.worker);
  if (hand == nullptr) return fail("a worker is signalled that is gone");
  if (signal.whole_tree && signal.signo == SIGKILL) return killed(*hand);
  if (signal.whole_tree) {
    if (!hand->main_gone) fail(text_of(*hand) + " has its tree signalled while it lives");
    if (hand->leftovers_began) fail(text_of(*hand) + " has its tree signalled twice");
    hand->leftovers_began = now_;
    return;
  }
  if (hand->main_gone) fail(text_of(*hand) + " is signalled although its main process has ended");
  if (!hand->signals.insert(signal.signo).second) fail(text_of(*hand) + " is sent one signal twice");
  AppBook& book = apps_.at(hand->app);
  const bool cut = book.generations[hand->generation].cut_at == now_ || book.hurried;
  const bool is_abort = signal.signo == SIGABRT;
  if (hand->drain_began && !cut && !is_abort && now_ < drain_end(*hand)) {
    fail(text_of(*hand) + " is stopped before its drain was over");
  }
  if (is_abort) {
    lost(*hand);
  } else {
    taken_out(*hand);
  }
  hand->stop_began = now_;
}

void Ledger::killed(Hand& hand) {
  if (hand.killed) {
    if (now_ - *hand.killed < std::chrono::seconds(1))
      fail(text_of(hand) + " is killed twice within a second");
  } else if (hand.leftovers_began) {
    if (now_ < later(*hand.leftovers_began, hand.policy.stop_timeout))
      fail(text_of(hand) + "'s leftovers are killed early");
  } else if (hand.stop_began) {
    if (now_ < later(*hand.stop_began, hand.policy.stop_timeout))
      fail(text_of(hand) + " is killed before its time");
  } else if (!hand.drain_began || !hand.signals.contains(hand.policy.stop_signal) ||
             now_ < drain_end(hand)) {
    fail(text_of(hand) + " is killed without having been asked to stop");
  }
  hand.killed = now_;
  hand.kills += 1;
  taken_out(hand);
}

void Ledger::answered(const Answer& answer) {
  const auto found = requests_.find(answer.request);
  if (found == requests_.end())
    return fail("request " + std::to_string(answer.request.value) + " is answered that does not wait");
  const Asked asked = found->second;
  requests_.erase(found);
  const Outcome& outcome = answer.outcome;
  if (!outcome.app) return;
  if (outcome.serving != serving(outcome.app)) fail("an answer miscounts the workers that serve");
  if (!asked.upgrade) return;
  const auto& generations = apps_.at(outcome.app).generations;
  if (outcome.result == Result::done && asked.level != WaitLevel::none && asked.level != WaitLevel::drained) {
    if (outcome.generation <= asked.served)
      fail("an upgrade is said to be done and the old generation serves");
    if (serving(outcome.app, outcome.generation) < generations.at(outcome.generation).size) {
      fail("an upgrade is said to be done and not all workers are ready");
    }
  }
  if (outcome.result == Result::done && asked.level != WaitLevel::none && asked.level != WaitLevel::drained) {
    check_committed(apps_.at(outcome.app), outcome.generation);
  }
  if (outcome.result == Result::rolled_back && outcome.generation != asked.served) {
    fail("an upgrade is said to be rolled back and the old generation does not serve");
  }
}

void Ledger::closed(AppId app) {
  AppBook& book = apps_.at(app);
  if (!book.listeners_open && !book.opening) fail("listeners are closed that are not open");
  for (const auto& [id, hand] : hands_) {
    if (hand.app == app) fail("listeners are closed while " + text_of(hand) + " may accept");
  }
  const bool waited = book.quiesced && (book.quiet || now_ - *book.quiesced >= std::chrono::seconds(5));
  if (book.had_serving && !book.hurried && !waited) fail("listeners are closed with their queues unserved");
  book.listeners_open = book.opening = false;
}

void Ledger::noted(const Note& note) {
  if (note.kind == NoteKind::shutdown_started) {
    delay_end_ = shutdown_ = now_ + note.wait.value_or(Duration::zero());
  }
  const auto found = apps_.find(note.app);
  if (found == apps_.end()) return;
  AppBook& book = found->second;
  switch (note.kind) {
    case NoteKind::app_stopping:
      book.stopping = book.stopped_now = true;
      book.had_serving = serving(note.app) > 0;
      book.quiesced.reset();
      if (shutdown_) shutdown_ = std::min(*shutdown_, now_);
      return;
    case NoteKind::app_stopped: book.stopping = book.hurried = false; return;
    case NoteKind::generation_draining: book.generations[note.generation].draining = true; return;
    case NoteKind::generation_cut: {
      GenerationBook& generation = book.generations[note.generation];
      generation.cut_at = now_;
      if (generation.draining) generation.cut = true;
      return;
    }
    case NoteKind::generation_gone: book.generations.erase(note.generation); return;
    case NoteKind::steer_failed: book.steering.failed_at = now_; return;
    case NoteKind::app_running: return check_committed(book, note.generation);
    case NoteKind::rollout_done:
      rollouts_ += 1;
      if (note.generation != book.before.generation) check_committed(book, note.generation);
      return;
    case NoteKind::rollout_failed: rollouts_ += 1; return;
    case NoteKind::rollout_rolled_back: return check_restored(book, note);
    case NoteKind::worker_draining:
      if (Hand* hand = find(note.worker)) {
        hand->drain_began = now_;
        if (!hand->by_itself) taken_out(*hand);
      }
      return;
    case NoteKind::worker_stopping:
      if (Hand* hand = find(note.worker)) {
        if (note.signo && !hand->signals.contains(*note.signo))
          fail(text_of(*hand) + " is said to be signalled and is not");
        hand->stop_began = now_;
      }
      return;
    default: return;
  }
}

}  // namespace sim
