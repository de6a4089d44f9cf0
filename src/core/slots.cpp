#include "core/slots.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace liveswap::core {

namespace {

Worker& spawn(Supervisor& s, App& app, Generation& generation, Slot slot) {
  const WorkerId id{++s.last_worker};
  Worker& worker = s.workers
                       .emplace(id, Worker{.id = id,
                                           .app = app.id,
                                           .generation = generation.id,
                                           .release = generation.release,
                                           .slot = slot,
                                           .policy = generation.policy,
                                           .since = s.desk.now,
                                           .watchdog = generation.policy->watchdog})
                       .first->second;
  generation.workers.insert(id);
  if (app.rollout && app.rollout->phase == RolloutPhase::starting &&
      app.rollout->generation == generation.id && app.rollout->pending.contains(slot)) {
    app.rollout->fresh.insert(id);
  }
  start_worker(s.desk, worker);
  return worker;
}

// A worker's app, its generation and its slot there.
struct Place {
  App& app;
  Generation& generation;
  SlotState& slot;
};

// None where the generation has given the slot up.
std::optional<Place> place_of(Supervisor& s, const Worker& worker) {
  Generation& generation = generation_of(s, worker);
  const auto found = generation.slots.find(worker.slot);
  if (found == generation.slots.end()) return std::nullopt;
  return Place{app_of(s, worker), generation, found->second};
}

void vacate(Supervisor& s, SlotState& slot) {
  slot.occupant = {};
  slot.occupant_ready = false;
  slot.since = s.desk.now;
}

void forget_start(Supervisor& s, Generation& generation, AppId app, Slot slot, SlotState& state) {
  state.next_start.reset();
  s.desk.timers.disarm(slot_timer(app, generation.id, slot));
}

// Whether an emptied slot is filled again: not once its generation is on its way out.
bool is_refilled(const App& app, const Generation& generation, const SlotState& slot) {
  if (!slot.wanted || generation.draining) return false;
  return !app.stopping || (app.stopping->quiescing && generation.id == app.current);
}

void give_up(Supervisor& s, App& app, Generation& generation, const Worker& worker, const Failure& failure) {
  SlotState& slot = generation.slots.at(worker.slot);
  slot.gave_up = true;
  generation.reindex(worker.slot);
  Note note = with(note_of(NoteKind::slot_gave_up, worker), failure);
  note.reason = Reason::gave_up;
  note.worker = {};
  note.count = slot.restarts;
  s.desk.tell(std::move(note));
  if (app.rollout) {
    slot_gave_up_in_rollout(s, app, generation, worker.slot, failure);
  } else if (generation.id == app.current && generation.all_gave_up()) {
    Note failed = note_of(NoteKind::app_failed, app);
    failed.reason = Reason::gave_up;
    failed.text = failure.text;
    failed.last_lines = failure.last_lines;
    s.desk.tell(std::move(failed));
  }
}

void refill_later(Supervisor& s, App& app, Generation& generation, const Worker& worker, Duration wait,
                  const Failure& failure) {
  SlotState& slot = generation.slots.at(worker.slot);
  if (wait == Duration::zero()) {
    slot.restarts += 1;
    fill_slot(s, app, generation, worker.slot);
    return;
  }
  slot.next_start = later(s.desk.now, wait);
  s.desk.timers.arm(slot_timer(app.id, generation.id, worker.slot), *slot.next_start);
  Note note = note_of(NoteKind::slot_backoff, worker);
  note.worker = {};
  note.reason = failure.reason;
  note.text = failure.text;
  note.wait = wait;
  note.count = slot.restarts;
  s.desk.tell(std::move(note));
}

}  // namespace

Worker& fill_slot(Supervisor& s, App& app, Generation& generation, Slot slot) {
  SlotState& state = generation.slots[slot];
  assert(!state.occupant);
  forget_start(s, generation, app.id, slot, state);
  state.wanted = true;
  state.gave_up = false;
  state.awaited = {};
  Worker& worker = spawn(s, app, generation, slot);
  state.occupant = worker.id;
  state.occupant_ready = false;
  generation.reindex(slot);
  return worker;
}

void fill_beside(Supervisor& s, App& app, Generation& generation, Slot slot) {
  generation.slots.at(slot).incoming = spawn(s, app, generation, slot).id;
}

WorkerId park_slot(Supervisor& s, Generation& generation, AppId app, Slot slot) {
  SlotState& state = generation.slots.at(slot);
  state.wanted = false;
  state.gave_up = false;
  state.awaited = {};
  forget_start(s, generation, app, slot, state);
  const WorkerId incoming = std::exchange(state.incoming, {});
  const WorkerId occupant = state.occupant;
  vacate(s, state);
  generation.reindex(slot);
  if (incoming) drain_worker(s.desk, s.workers.at(incoming));
  if (occupant) drain_worker(s.desk, s.workers.at(occupant));
  return occupant;
}

void recycle_slot(Supervisor& s, App& app, Generation& generation, Slot slot) {
  SlotState& state = generation.slots.at(slot);
  state.wanted = true;
  state.gave_up = false;
  state.backoff.forget();
  forget_start(s, generation, app.id, slot, state);
  const WorkerId occupant = state.occupant;
  if (occupant) {
    vacate(s, state);
    state.awaited = occupant;
    stop_worker(s.desk, s.workers.at(occupant));
  }
  generation.reindex(slot);
  if (!state.awaited) fill_slot(s, app, generation, slot);
}

void retire_generation(Supervisor& s, App& app, Generation& generation, bool now) {
  if (generation.draining) return;
  generation.draining = true;
  generation.since = s.desk.now;
  if (!generation.workers.empty()) {
    Note note = note_of(NoteKind::generation_draining, generation, app.id);
    note.count = static_cast<std::uint32_t>(generation.workers.size());
    note.wait = generation.policy->drain_timeout;
    s.desk.tell(std::move(note));
  }
  for (auto& [slot, state] : generation.slots) {
    if (now && state.occupant) stop_worker(s.desk, s.workers.at(state.occupant));
    if (now && state.incoming) stop_worker(s.desk, s.workers.at(state.incoming));
    park_slot(s, generation, app.id, slot);
  }
  generation.slots.clear();
  generation.parked.clear();
}

std::uint32_t cut_generation(Supervisor& s, App& app, Generation& generation, const std::string& why) {
  std::uint32_t count = 0;
  for (const WorkerId id : generation.workers) {
    if (s.workers.at(id).state == WorkerState::draining) count += 1;
  }
  if (generation.draining) generation.cut = true;
  if (count == 0) return 0;
  Note note = note_of(NoteKind::generation_cut, generation, app.id);
  note.count = count;
  note.text = why;
  s.desk.tell(std::move(note));
  for (const WorkerId id : generation.workers) {
    Worker& worker = s.workers.at(id);
    if (worker.state == WorkerState::draining) stop_worker(s.desk, worker);
  }
  return count;
}

void slot_lost(Supervisor& s, const Worker& worker, const Failure& failure, bool by_itself) {
  const auto place = place_of(s, worker);
  if (!place) return;
  auto& [app, generation, slot] = *place;
  if (slot.incoming == worker.id) {
    slot.incoming = {};
    return rollout_sees_loss(s, app, worker, failure, by_itself);
  }
  if (slot.occupant != worker.id) return;
  vacate(s, slot);
  if (slot.incoming) {  // the one that was to replace it does so before it is ready
    slot.occupant = std::exchange(slot.incoming, {});
    return generation.reindex(worker.slot);
  }
  generation.reindex(worker.slot);
  rollout_sees_loss(s, app, worker, failure, by_itself);
  const auto still = generation.slots.find(worker.slot);
  if (still == generation.slots.end() || !is_refilled(app, generation, still->second)) return;
  const std::optional<Duration> ready_for =
      worker.ready_since ? std::optional(s.desk.now - *worker.ready_since) : std::nullopt;
  if (by_itself) {
    const Duration gap = Backoff::left(*worker.policy, ready_for.value_or(Duration::zero()));
    return refill_later(s, app, generation, worker, gap, failure);
  }
  const bool may_give_up = !app.rollout || app.rollout->phase != RolloutPhase::rolling_back;
  const Backoff::Verdict verdict =
      still->second.backoff.died(s.desk.now, *worker.policy, ready_for, may_give_up);
  if (verdict.gave_up) return give_up(s, app, generation, worker, failure);
  refill_later(s, app, generation, worker, verdict.wait, failure);
}

void slot_is_due(Supervisor& s, App& app, GenerationId id, Slot slot) {
  Generation* generation = find_generation(app, id);
  if (generation == nullptr || !generation->slots.contains(slot)) return;
  generation->slots.at(slot).restarts += 1;
  fill_slot(s, app, *generation, slot);
}

void slot_ready(Supervisor& s, const Worker& worker) {
  const auto place = place_of(s, worker);
  if (!place) return;
  auto& [app, generation, slot] = *place;
  if (slot.incoming == worker.id) {
    const WorkerId before = std::exchange(slot.occupant, std::exchange(slot.incoming, {}));
    if (app.rollout) app.rollout->replaced.insert(before);
    drain_worker(s.desk, s.workers.at(before));
    slot.restarts += 1;
  }
  if (slot.occupant != worker.id) return;
  slot.occupant_ready = true;
  generation.reindex(worker.slot);
  rollout_sees_ready(app, generation, worker);
}

// For `restart --now`: the slot's next worker comes when the last one's main process has ended.
void slot_freed(Supervisor& s, const Worker& worker) {
  const auto place = place_of(s, worker);
  if (!place || place->slot.awaited != worker.id) return;
  auto& [app, generation, slot] = *place;
  slot.awaited = {};
  if (!is_refilled(app, generation, slot)) return;
  slot.restarts += 1;
  fill_slot(s, app, generation, worker.slot);
}

void worker_gone(Supervisor& s, WorkerId id) {
  const auto found = s.workers.find(id);
  if (found == s.workers.end()) return;
  App& app = app_of(s, found->second);
  generation_of(s, found->second).workers.erase(id);
  rollout_sees_gone(app, id);
  worker_gone_for_requests(s, id);
  disarm(s.desk, found->second);
  s.workers.erase(found);
}

}  // namespace liveswap::core
