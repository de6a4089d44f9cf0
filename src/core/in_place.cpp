#include <utility>

#include "core/rollout_steps.hpp"

namespace liveswap::core {

namespace {

Rollout in_place(RolloutKind kind, RequestId request) {
  Rollout rollout{.kind = kind, .phase = RolloutPhase::starting, .request = request};
  rollout.in_place = true;
  return rollout;
}

void enter(Supervisor& s, App& app, Rollout rollout) {
  Rollout& entered = put_rollout(s, app, std::move(rollout));
  entered.generation = app.current;
  entered.release = app.generations.at(app.current).release;
}

void restart_now(Supervisor& s, App& app, std::optional<Slot> only) {
  Generation& generation = app.generations.at(app.current);
  Rollout& rollout = *app.rollout;
  for (Slot slot = 0; slot < generation.size; ++slot) {
    if (!only || *only == slot) rollout.pending.insert(slot);
  }
  tell_rollout_started(s, app, static_cast<std::uint32_t>(rollout.pending.size()));
  const std::set<Slot> slots = rollout.pending;
  for (const Slot slot : slots) recycle_slot(s, app, generation, slot);
}

void scale_down(Supervisor& s, App& app, Generation& generation) {
  while (generation.slots.size() > generation.size) {
    const Slot slot = generation.slots.rbegin()->first;
    const WorkerId worker = park_slot(s, generation, app.id, slot);
    if (worker) app.rollout->replaced.insert(worker);
    generation.slots.erase(slot);
    generation.reindex(slot);
  }
}

}  // namespace

void begin_restart(Supervisor& s, App& app, const RestartAsked& asked) {
  Waiter waiter{.id = asked.request, .app = app.id, .what = Waiter::For::rollout, .level = asked.wait};
  await(s, std::move(waiter), asked.timeout);
  if (!asked.now && !asked.slot) {
    Rollout& rollout = put_rollout(s, app, {.kind = RolloutKind::restart, .request = asked.request});
    const Generation& current = app.generations.at(app.current);
    rollout.release = current.release;
    return begin_generation(s, app, current.size);
  }
  Rollout rollout = in_place(RolloutKind::restart, asked.request);
  rollout.slot = asked.slot;
  rollout.now = asked.now;
  enter(s, app, std::move(rollout));
  if (asked.now) return restart_now(s, app, asked.slot);
  app.rollout->pending.insert(*asked.slot);
  tell_rollout_started(s, app, 1);
}

// With room for one more the new worker comes first; else the old one leaves as soon as enough others are
// ready.
void replace_slot(Supervisor& s, App& app) {
  Rollout& rollout = *app.rollout;
  const Slot slot = *rollout.slot;
  if (!rollout.pending.contains(slot) || !rollout.fresh.empty()) return;
  Generation& generation = app.generations.at(rollout.generation);
  const SlotState& state = generation.slots.at(slot);
  if (state.occupant_ready) {
    if (surge_of(*generation.policy, generation.size) > 0) return fill_beside(s, app, generation, slot);
    const Capacity capacity = capacity_of(*generation.policy, generation.size, generation.size);
    if (generation.ready.size() <= capacity.ready_min) return;
  }
  const WorkerId worker = park_slot(s, generation, app.id, slot);
  if (worker) rollout.replaced.insert(worker);
  generation.slots.at(slot).restarts += 1;
  fill_slot(s, app, generation, slot);
}

void begin_scale(Supervisor& s, App& app, const ScaleAsked& asked, std::uint32_t size,
                 std::optional<std::uint32_t> pin) {
  Waiter waiter{.id = asked.request, .app = app.id, .what = Waiter::For::rollout, .level = asked.wait};
  await(s, std::move(waiter), asked.timeout);
  enter(s, app, in_place(RolloutKind::scale, asked.request));
  Rollout& rollout = *app.rollout;
  Generation& generation = app.generations.at(app.current);
  rollout.size_before = generation.size;
  rollout.override_before = std::exchange(app.scale_override, pin);
  generation.size = size;
  for (Slot slot = rollout.size_before; slot < size; ++slot) rollout.pending.insert(slot);
  tell_rollout_started(s, app, size);
  scale_down(s, app, generation);
  for (Slot slot = rollout.size_before; slot < size; ++slot) fill_slot(s, app, generation, slot);
}

}  // namespace liveswap::core
