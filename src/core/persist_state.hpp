// The fields of the core's whole state, for an archive. What stands in no list here, a new master does not know.
#pragma once

#include "core/archive.hpp"
#include "core/persist_messages.hpp"
#include "core/persist_plan.hpp"
#include "core/supervisor.hpp"

namespace liveswap::core {

template <>
inline constexpr std::optional<Starving> kLastOf<Starving> = Starving::begun;
template <>
inline constexpr std::optional<TimerKind> kLastOf<TimerKind> = TimerKind::shutdown_drain;
template <>
inline constexpr std::optional<Waiter::For> kLastOf<Waiter::For> = Waiter::For::shutdown;

LIVESWAP_FIELDS(AppSetup, id, name)
LIVESWAP_FIELDS(Setup, apps, on_start_failure, shutdown)
LIVESWAP_FIELDS(TimerKey, kind, owner, generation, slot)
LIVESWAP_FIELDS(Waiter, id, app, what, level, workers)
LIVESWAP_FIELDS(Worker, id, app, generation, release, slot, policy, state, since, ready_since, launched, failed,
                starving, main_gone, sent, kills, watchdog)
LIVESWAP_FIELDS(SlotState, wanted, gave_up, occupant, occupant_ready, incoming, awaited, next_start, backoff, restarts,
                since)
LIVESWAP_FIELDS(Generation, id, release, policy, size, slots, ready, unready, parked, workers, draining, cut, since)
LIVESWAP_FIELDS(Capacity, living_max, ready_min)
LIVESWAP_FIELDS(Failure, reason, text, slot, last_lines, worker, status)
LIVESWAP_FIELDS(Rollout, kind, phase, begun, request, opening, if_changed, in_place, adopts, slot, now, retries,
                in_trouble, hook_pending, target, prepare_pending, prepare_backoff, release, generation, old, capacity,
                size_before, override_before, pending, fresh, replaced, owed, unproven, failure)
LIVESWAP_FIELDS(RolloutRecord, kind, result, reason, generation, release, label, text, begun, ended)
LIVESWAP_FIELDS(Steering, in_force, unanswered, not_before, unsure)
LIVESWAP_FIELDS(Release, label, policy)
LIVESWAP_FIELDS(Stopping, quiescing, now, failure)
LIVESWAP_FIELDS(App, id, name, listeners_open, opens_pending, start_failed, current, pinned, scale_override, releases,
                generations, rollout, shelved, stopping, steering, last_release, last_generation, history)
LIVESWAP_FIELDS(Shutdown, asked, stopping, exited, status)

// Between two steps: no app is touched, and no actions are being made.
template <class Archive, class Value>
  requires std::same_as<std::remove_const_t<Value>, Supervisor>
void fields(Archive& archive, Value& s) {
  archive(s.setup, s.desk.now, s.desk.timers, s.apps, s.workers, s.requests, s.shutdown, s.last_worker);
}

}  // namespace liveswap::core
