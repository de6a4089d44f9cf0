#include <algorithm>
#include <utility>

#include "core/rollout_steps.hpp"

namespace liveswap::core {

namespace {

// Workers that never were ready: the verdict waits until their main processes have gone.
void expect_unproven_gone(Supervisor& s, Rollout& rollout, const Generation& generation, Slot from) {
  for (const WorkerId id : generation.workers) {
    const Worker& worker = s.workers.at(id);
    if (worker.slot >= from && !worker.ready_since && !worker.main_gone) rollout.unproven.insert(id);
  }
}

// Of a generation that failed, what never was ready leaves at once. What is ready serves until the old
// generation has its strength again.
void dismiss_generation(Supervisor& s, App& app, Rollout& rollout) {
  Generation& generation = app.generations.at(rollout.generation);
  expect_unproven_gone(s, rollout, generation, 0);
  for (auto& [slot, state] : generation.slots) {
    if (state.occupant_ready) {
      state.wanted = false;
    } else {
      park_slot(s, generation, app.id, slot);
    }
  }
}

void dismiss_slots_above(Supervisor& s, App& app, Rollout& rollout) {
  Generation& generation = app.generations.at(rollout.generation);
  expect_unproven_gone(s, rollout, generation, rollout.size_before);
  while (generation.slots.size() > rollout.size_before) {
    const Slot slot = generation.slots.rbegin()->first;
    park_slot(s, generation, app.id, slot);
    generation.slots.erase(slot);
    generation.reindex(slot);
  }
  generation.size = rollout.size_before;
  app.scale_override = rollout.override_before;
}

void dismiss_incoming(Supervisor& s, App& app, Rollout& rollout) {
  Generation& generation = app.generations.at(rollout.generation);
  SlotState& slot = generation.slots.at(*rollout.slot);
  const WorkerId incoming = std::exchange(slot.incoming, {});
  const Worker* failed = find_worker(s, rollout.failure.worker);
  if (failed != nullptr && !failed->ready_since && !failed->main_gone) rollout.unproven.insert(failed->id);
  if (incoming) {
    rollout.unproven.insert(incoming);
    drain_worker(s.desk, s.workers.at(incoming));
  } else if (!slot.occupant_ready) {
    rollout.owed.insert(*rollout.slot);
  }
}

void begin_rollback(Supervisor& s, App& app) {
  Rollout& rollout = *app.rollout;
  rollout.phase = RolloutPhase::rolling_back;
  if (!rollout.in_place) {
    dismiss_generation(s, app, rollout);
  } else if (rollout.kind == RolloutKind::scale) {
    dismiss_slots_above(s, app, rollout);
  } else if (rollout.now) {
    rollout.owed = rollout.pending;
  } else {
    dismiss_incoming(s, app, rollout);
  }
  rollout.fresh.clear();
  rollout.pending.clear();
}

void tell_failed(Supervisor& s, App& app, NoteKind kind, const Rollout& rollout) {
  Note note = with(note_of(kind, app), rollout.failure);
  note.generation = rollout.generation;
  note.release = rollout.release;
  note.rollout = rollout.kind;
  s.desk.tell(std::move(note));
}

// The capacity rules backwards: old slots are filled as far as living_max goes; new workers leave as far as
// ready_min lets them, and all of them once the old strength is back.
void restore(Supervisor& s, App& app, Rollout& rollout) {
  Generation& generation = app.generations.at(rollout.generation);
  Generation* old = find_generation(app, rollout.old);
  while (old != nullptr && !old->parked.empty()) {
    const auto living = static_cast<std::uint32_t>(generation.ready.size()) + old->taken();
    if (living < rollout.capacity.living_max) {
      const Slot slot = *old->parked.begin();
      old->slots.at(slot).restarts += 1;
      fill_slot(s, app, *old, slot);
    } else if (!generation.ready.empty() && ready_workers(app) > rollout.capacity.ready_min) {
      park_slot(s, generation, app.id, *generation.ready.begin());
    } else {
      return;
    }
  }
  if (!rollout.owed.empty()) return;
  while (!generation.ready.empty()) park_slot(s, generation, app.id, *generation.ready.begin());
}

void finish_rollback(Supervisor& s, App& app) {
  Rollout rollout = *std::exchange(app.rollout, std::nullopt);
  if (!rollout.in_place) retire_generation(s, app, app.generations.at(rollout.generation));
  std::vector<std::string> last_lines =
      std::exchange(rollout.failure.last_lines, {});  // were told when it failed
  tell_failed(s, app, NoteKind::rollout_rolled_back, rollout);
  rollout.failure.last_lines = std::move(last_lines);
  remember(s, app, rollout, Result::rolled_back);
  answer_all(s, app.id, Waiter::For::rollback, outcome_of(app, Result::done));
  answer_all(s, app.id, Waiter::For::rollout, outcome_of(app, Result::rolled_back, rollout.failure));
  const Generation* current = find_generation(app, app.current);
  if (current != nullptr && current->all_gave_up()) {
    Note note = note_of(NoteKind::app_failed, app);
    note.reason = Reason::gave_up;
    s.desk.tell(std::move(note));
  }
  unshelve(s, app);
}

void stop_hook(Supervisor& s, App& app) {
  if (std::exchange(app.rollout->hook_pending, false)) s.desk.act(StopHook{app.id, *app.rollout->request});
}

}  // namespace

void fail_rollout(Supervisor& s, App& app, Failure failure) {
  Rollout& rollout = *app.rollout;
  rollout.failure = std::move(failure);
  if (rollout.kind == RolloutKind::start) return fail_start(s, app, Failure{rollout.failure});
  if (rollout.now) {  // what it replaced is gone already: there is nothing to go back to
    return end_rollout(s, app, Result::failed, Failure{rollout.failure});
  }
  tell_failed(s, app, NoteKind::rollout_failed, rollout);
  begin_rollback(s, app);
}

void abort_rollout(Supervisor& s, App& app) {
  Rollout& rollout = *app.rollout;
  rollout.failure = {.reason = Reason::aborted, .text = {}};
  tell_failed(s, app, NoteKind::rollout_failed, rollout);
  if (rollout.phase == RolloutPhase::starting) return begin_rollback(s, app);
  stop_hook(s, app);
  const Rollout ended = *std::exchange(app.rollout, std::nullopt);
  remember(s, app, ended, Result::rolled_back);
  answer_all(s, app.id, Waiter::For::rollback, outcome_of(app, Result::done));
  answer_all(s, app.id, Waiter::For::rollout, outcome_of(app, Result::rolled_back, ended.failure));
  unshelve(s, app);
}

void end_rollout(Supervisor& s, App& app, Result result, const Failure& failure) {
  Rollout rollout = *std::exchange(app.rollout, std::nullopt);
  rollout.failure = failure;
  if (result != Result::unchanged) {
    if (rollout.kind != RolloutKind::start) tell_failed(s, app, NoteKind::rollout_failed, rollout);
    remember(s, app, rollout, result);
  }
  answer_all(s, app.id, Waiter::For::rollback, outcome_of(app, Result::done));
  answer_all(s, app.id, Waiter::For::rollout, outcome_of(app, result, failure));
  unshelve(s, app);
}

void release_refused(Supervisor& s, App& app, const ReleaseRefused& event) {
  if (!app.rollout || !app.rollout->prepare_pending || app.rollout->release != event.release) return;
  Rollout& rollout = *app.rollout;
  rollout.prepare_pending = false;
  rollout.release = {};
  app.last_release -= 1;  // no other one can have been asked for since
  const Failure failure{.reason = Reason::release_refused, .text = event.text};
  if (rollout.retries) {
    rollout.in_trouble = true;
    rollout.failure = failure;
    const auto verdict = rollout.prepare_backoff.died(s.desk.now, AppPolicy{}, std::nullopt, false);
    s.desk.timers.arm(prepare_timer(app.id), later(s.desk.now, verdict.wait));
    Note note = with(note_of(NoteKind::rollout_failed, app), failure);
    note.rollout = rollout.kind;
    note.wait = verdict.wait;
    return s.desk.tell(std::move(note));
  }
  if (rollout.kind == RolloutKind::start) return fail_start(s, app, failure);
  end_rollout(s, app, Result::failed, failure);
}

// A start that fails leaves nothing behind: an operator's start closes the listeners again, the first one of
// all ends the master.
void fail_start(Supervisor& s, App& app, const Failure& failure) {
  Rollout rollout = *std::exchange(app.rollout, std::nullopt);
  rollout.failure = failure;
  tell_failed(s, app, NoteKind::app_failed, rollout);
  remember(s, app, rollout, Result::failed);
  if (Generation* generation = find_generation(app, rollout.generation)) {
    for (auto& [slot, state] : generation->slots) {
      if (!state.occupant_ready) park_slot(s, *generation, app.id, slot);
    }
  }
  stop_app(s, app, false, failure);
  if (!rollout.request) begin_shutdown(s, false, 1);
}

void abandon_rollout(Supervisor& s, App& app, Reason reason) {
  if (!app.rollout) return;
  stop_hook(s, app);
  Rollout rollout = *std::exchange(app.rollout, std::nullopt);
  rollout.failure = {.reason = reason, .text = {}};
  s.desk.timers.disarm(prepare_timer(app.id));
  if (rollout.kind != RolloutKind::start) tell_failed(s, app, NoteKind::rollout_failed, rollout);
  remember(s, app, rollout, Result::failed);
  if (Generation* generation = find_generation(app, rollout.generation); generation && !rollout.in_place) {
    for (auto& [slot, state] : generation->slots) {
      if (!state.occupant_ready) park_slot(s, *generation, app.id, slot);
    }
  }
  app.shelved.reset();
  answer_all(s, app.id, Waiter::For::rollback, outcome_of(app, Result::done));
  answer_all(s, app.id, Waiter::For::rollout, outcome_of(app, Result::failed, rollout.failure));
}

void roll_back_further(Supervisor& s, App& app) {
  Rollout& rollout = *app.rollout;
  if (!rollout.in_place) restore(s, app, rollout);
  if (!rollout.owed.empty() || !rollout.unproven.empty()) return;
  if (!rollout.in_place) {
    const Generation* old = find_generation(app, rollout.old);
    if (old != nullptr && !old->parked.empty()) return;
    if (!app.generations.at(rollout.generation).ready.empty()) return;
  }
  finish_rollback(s, app);
}

}  // namespace liveswap::core
