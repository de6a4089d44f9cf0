#include "core/rollout.hpp"

#include <algorithm>
#include <utility>

#include "core/rollout_steps.hpp"

namespace liveswap::core {

namespace {

void prepare(Supervisor& s, App& app) {
  Rollout& rollout = *app.rollout;
  rollout.phase = RolloutPhase::preparing;
  rollout.release = ReleaseId{++app.last_release};
  rollout.prepare_pending = true;
  s.desk.act(PrepareRelease{app.id, rollout.release, rollout.request, rollout.target});
}

void tell_will_stop_oldest(Supervisor& s, App& app, const AppPolicy& policy) {
  std::uint32_t draining = app.current ? 1 : 0;
  const Generation* oldest = nullptr;
  for (const auto& [id, generation] : app.generations) {
    if (!generation.draining || generation.cut) continue;
    draining += 1;
    if (oldest == nullptr) oldest = &generation;
  }
  if (oldest == nullptr || draining <= policy.max_draining) return;
  Note note = note_of(NoteKind::rollout_will_stop_oldest, *oldest, app.id);
  note.count = static_cast<std::uint32_t>(oldest->workers.size());
  s.desk.tell(std::move(note));
}

// Without overlap: all of the old generation at once. Where the new one fails it is started again.
void stop_old(Supervisor& s, App& app, Rollout& rollout, Generation& old) {
  Note note = note_of(NoteKind::rollout_stops_old, old, app.id);
  note.count = old.taken();
  s.desk.tell(std::move(note));
  rollout.owed = old.ready;
  std::set<Slot> slots = old.ready;
  slots.insert(old.unready.begin(), old.unready.end());
  for (const Slot slot : slots) {
    const SlotState& state = old.slots.at(slot);
    for (const WorkerId id : {state.occupant, state.incoming}) {
      if (!id) continue;
      stop_worker(s.desk, s.workers.at(id));
      rollout.replaced.insert(id);
    }
    park_slot(s, old, app.id, slot);
  }
}

// An old worker that is not ready costs nothing; a ready one may go while enough others are.
bool make_room(Supervisor& s, App& app, Rollout& rollout) {
  Generation* old = find_generation(app, rollout.old);
  if (old == nullptr || old->taken() == 0) return false;
  const bool ready = old->unready.empty();
  if (ready && ready_workers(app) <= rollout.capacity.ready_min) return false;
  const Slot slot = ready ? *old->ready.begin() : *old->unready.begin();
  if (ready) rollout.owed.insert(slot);
  const WorkerId worker = park_slot(s, *old, app.id, slot);
  if (worker) rollout.replaced.insert(worker);
  return true;
}

// New workers as far as living_max goes; then old ones leave as far as ready_min lets them.
void roll_forward(Supervisor& s, App& app) {
  Rollout& rollout = *app.rollout;
  Generation& generation = app.generations.at(rollout.generation);
  const Generation* old = find_generation(app, rollout.old);
  while (generation.slots.size() < generation.size) {
    const std::uint32_t living = generation.taken() + (old != nullptr ? old->taken() : 0);
    if (living < rollout.capacity.living_max) {
      fill_slot(s, app, generation, static_cast<Slot>(generation.slots.size()));
    } else if (!make_room(s, app, rollout)) {
      return;
    }
  }
}

void answer_committed(Supervisor& s, App& app, const std::set<WorkerId>& replaced) {
  for (const RequestId id : waiting_for(s, app.id, Waiter::For::rollout)) {
    Waiter& waiter = s.requests.at(id);
    if (waiter.level == WaitLevel::drained && !replaced.empty()) {
      waiter.what = Waiter::For::gone;
      waiter.workers = replaced;
    } else {
      answer(s, id, outcome_of(app, Result::done));
    }
  }
}

void switch_generations(Supervisor& s, App& app, Rollout& rollout) {
  Generation& generation = app.generations.at(rollout.generation);
  Note ready = note_of(NoteKind::generation_ready, generation, app.id);
  ready.count = static_cast<std::uint32_t>(generation.ready.size());
  s.desk.tell(std::move(ready));
  app.current = generation.id;
  app.pinned = generation.release;
  app.start_failed = false;
  if (Generation* old = find_generation(app, rollout.old)) {
    rollout.replaced.insert(old->workers.begin(), old->workers.end());
    retire_generation(s, app, *old);
  }
}

}  // namespace

bool is_retrying_start(const App& app) {
  return app.rollout && app.rollout->retries && app.rollout->in_trouble && !app.rollout->prepare_pending;
}

Rollout& put_rollout(Supervisor& s, App& app, Rollout rollout) {
  if (app.rollout) {
    assert(is_retrying_start(app) && !app.shelved);
    s.desk.timers.disarm(prepare_timer(app.id));
    app.shelved = std::exchange(app.rollout, std::nullopt);
    app.current = app.shelved->generation;
  }
  rollout.begun = s.desk.now;
  return app.rollout.emplace(std::move(rollout));
}

void unshelve(Supervisor& s, App& app) {
  if (!app.shelved) return;
  s.touched.insert(app.id);  // it may have become ready meanwhile
  app.rollout = std::exchange(app.shelved, std::nullopt);
  app.current = {};
  Rollout& rollout = *app.rollout;
  if (!rollout.generation) {
    const auto verdict = rollout.prepare_backoff.died(s.desk.now, AppPolicy{}, std::nullopt, false);
    s.desk.timers.arm(prepare_timer(app.id), later(s.desk.now, verdict.wait));
    return;
  }
  Generation& generation = app.generations.at(rollout.generation);
  if (generation.all_gave_up()) {
    app.current = generation.id;
    return end_rollout(s, app, Result::failed, {.reason = Reason::gave_up, .text = {}});
  }
  rollout.pending = generation.unready;
  rollout.fresh.clear();
  for (const Slot slot : generation.unready) {
    if (const WorkerId worker = generation.slots.at(slot).occupant) rollout.fresh.insert(worker);
  }
}

void start_app(Supervisor& s, App& app, std::optional<RequestId> request) {
  Rollout& rollout = put_rollout(s, app, {.kind = RolloutKind::start, .request = request});
  rollout.retries = !request && s.setup.on_start_failure == OnStartFailure::retry;
  s.desk.tell(note_of(NoteKind::app_starting, app));
  if (!request) return prepare(s, app);
  rollout.opening = true;
  app.opens_pending += 1;
  s.desk.act(OpenListeners{app.id});
}

void listeners_opened(Supervisor& s, App& app) {
  if (app.opens_pending == 0 || --app.opens_pending > 0) return;
  if (!app.rollout || !app.rollout->opening) return;
  app.rollout->opening = false;
  app.listeners_open = true;
  if (!app.pinned) return prepare(s, app);
  app.rollout->release = app.pinned;
  begin_generation(s, app, app.scale_override.value_or(app.releases.at(app.pinned).policy->workers));
}

void listeners_failed(Supervisor& s, App& app, const std::string& text) {
  if (app.opens_pending == 0 || --app.opens_pending > 0) return;
  if (!app.rollout || !app.rollout->opening) return;
  const Failure failure{.reason = Reason::listener_failed, .text = text};
  s.desk.tell(with(note_of(NoteKind::app_failed, app), failure));
  app.start_failed = true;
  end_rollout(s, app, Result::failed, failure);
}

void begin_upgrade(Supervisor& s, App& app, const UpgradeAsked& asked) {
  put_rollout(s, app,
              {.kind = RolloutKind::upgrade, .request = asked.request, .if_changed = asked.if_changed});
  await(s, {.id = asked.request, .app = app.id, .what = Waiter::For::rollout, .level = asked.wait},
        asked.timeout);
  if (!asked.hook) return prepare(s, app);
  app.rollout->hook_pending = true;
  Note note;
  note.kind = NoteKind::hook_started;
  note.app = app.id;
  note.rollout = RolloutKind::upgrade;
  s.desk.tell(std::move(note));
  s.desk.act(RunHook{app.id, asked.request});
}

void hook_ended(Supervisor& s, App& app, const HookEnded& event) {
  if (!app.rollout || !app.rollout->hook_pending || app.rollout->request != event.request) return;
  app.rollout->hook_pending = false;
  if (event.ok) {
    app.rollout->target = event.target;
    return prepare(s, app);
  }
  end_rollout(s, app, Result::failed,
              {.reason = Reason::hook_failed, .text = event.text, .last_lines = event.last_lines});
}

void prepare_again(Supervisor& s, App& app) {
  if (app.rollout && app.rollout->phase == RolloutPhase::preparing) prepare(s, app);
}

void release_prepared(Supervisor& s, App& app, const ReleasePrepared& event) {
  if (app.releases.contains(event.release)) return;
  if (!app.rollout || !app.rollout->prepare_pending || app.rollout->release != event.release) {
    s.desk.act(DropRelease{app.id, event.release});  // its rollout has ended meanwhile
    return;
  }
  app.rollout->prepare_pending = false;
  if (app.rollout->if_changed && event.same_as_current) {
    s.desk.act(DropRelease{app.id, event.release});
    app.last_release -= 1;  // its number is the next one's
    return end_rollout(s, app, Result::unchanged, {.reason = Reason::unchanged, .text = {}});
  }
  const auto policy = std::make_shared<const AppPolicy>(event.policy);
  app.releases.emplace(event.release, Release{.label = event.label, .policy = policy});
  begin_generation(s, app, app.rollout->adopts ? 1 : app.scale_override.value_or(policy->workers));
}

void begin_generation(Supervisor& s, App& app, std::uint32_t size) {
  Rollout& rollout = *app.rollout;
  const auto& policy = app.releases.at(rollout.release).policy;
  Generation* old = find_generation(app, app.current);
  const bool overlaps = policy->overlap || rollout.kind != RolloutKind::upgrade || old == nullptr;
  size = std::max(size, 1U);
  rollout.phase = RolloutPhase::starting;
  rollout.old = app.current;
  rollout.generation = GenerationId{++app.last_generation};
  rollout.capacity = overlaps ? capacity_of(*policy, old != nullptr ? old->size : 0, size)
                              : capacity_without_overlap(old->size, size);
  for (Slot slot = 0; slot < size; ++slot) rollout.pending.insert(slot);
  app.generations.emplace(rollout.generation, Generation{.id = rollout.generation,
                                                         .release = rollout.release,
                                                         .policy = policy,
                                                         .size = size,
                                                         .since = s.desk.now});
  if (rollout.kind != RolloutKind::start) {
    tell_rollout_started(s, app, size);
    tell_will_stop_oldest(s, app, *policy);
    if (!overlaps) stop_old(s, app, rollout, *old);
  }
}

void tell_rollout_started(Supervisor& s, App& app, std::uint32_t workers) {
  const Rollout& rollout = *app.rollout;
  Note note = note_of(NoteKind::rollout_started, app);
  note.generation = rollout.generation;
  note.release = rollout.release;
  note.rollout = rollout.kind;
  note.slot = rollout.slot;
  note.count = workers;
  s.desk.tell(std::move(note));
  for (const RequestId id : waiting_for(s, app.id, Waiter::For::rollout)) {
    if (s.requests.at(id).level == WaitLevel::none) answer(s, id, outcome_of(app, Result::done));
  }
}

void commit(Supervisor& s, App& app) {
  Rollout rollout = *std::exchange(app.rollout, std::nullopt);
  if (rollout.in_place) {
    unshelve(s, app);
  } else {
    switch_generations(s, app, rollout);
    app.shelved.reset();
  }
  Note note =
      note_of(rollout.kind == RolloutKind::start ? NoteKind::app_running : NoteKind::rollout_done, app);
  note.generation = rollout.generation;
  note.release = rollout.release;
  note.rollout = rollout.kind;
  note.slot = rollout.slot;
  note.count = ready_workers(app);
  s.desk.tell(std::move(note));
  remember(s, app, rollout, Result::done);
  answer_committed(s, app, rollout.replaced);
}

void rollout_sees_ready(App& app, const Generation& generation, const Worker& worker) {
  if (!app.rollout) return;
  Rollout& rollout = *app.rollout;
  if (rollout.fresh.contains(worker.id)) rollout.pending.erase(worker.slot);
  const GenerationId restored = rollout.in_place ? rollout.generation : rollout.old;
  if (generation.id == restored) rollout.owed.erase(worker.slot);
}

void rollout_sees_loss(Supervisor& s, App& app, const Worker& worker, const Failure& failure,
                       bool by_itself) {
  if (!app.rollout || app.rollout->fresh.erase(worker.id) == 0) return;
  app.rollout->pending.insert(worker.slot);
  if (by_itself) return;
  if (app.rollout->retries) {
    app.rollout->in_trouble = true;
    return;
  }
  Failure cause = failure;
  cause.slot = worker.slot;
  cause.worker = worker.id;
  if (cause.reason == Reason::none) cause.reason = Reason::exited_in_rollout;
  fail_rollout(s, app, std::move(cause));
}

void rollout_sees_end(App& app, WorkerId worker) {
  if (app.rollout) app.rollout->unproven.erase(worker);
}

void rollout_sees_gone(App& app, WorkerId worker) {
  rollout_sees_end(app, worker);
  if (app.rollout) app.rollout->replaced.erase(worker);
}

// Only a first start that is tried again has slots that give up: it goes on with the others.
void slot_gave_up_in_rollout(Supervisor& s, App& app, Generation& generation, Slot slot,
                             const Failure& failure) {
  Rollout& rollout = *app.rollout;
  if (!rollout.retries || generation.id != rollout.generation) return;
  rollout.pending.erase(slot);
  if (!generation.all_gave_up()) return;
  app.current = generation.id;
  Failure cause = failure;
  cause.reason = Reason::gave_up;
  cause.slot = slot;
  s.desk.tell(with(note_of(NoteKind::app_failed, app), cause));
  end_rollout(s, app, Result::failed, cause);
}

void advance_rollout(Supervisor& s, App& app) {
  if (!app.rollout) return;
  switch (app.rollout->phase) {
    case RolloutPhase::preparing: return;
    case RolloutPhase::starting:
      if (!app.rollout->in_place) roll_forward(s, app);
      if (app.rollout->slot && !app.rollout->now) replace_slot(s, app);
      if (app.rollout->pending.empty() && is_steered_to_rollout(app)) commit(s, app);
      return;
    case RolloutPhase::rolling_back: return roll_back_further(s, app);
  }
}

}  // namespace liveswap::core
