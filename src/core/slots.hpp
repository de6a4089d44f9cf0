// Supervision: workers put into slots, taken out of them, and replaced when they are lost.
#pragma once

#include <cstdint>
#include <string>

#include "core/supervisor.hpp"

namespace liveswap::core {

// The slot must be empty. A worker of a rollout's pending slot belongs to that rollout.
Worker& fill_slot(Supervisor& s, App& app, Generation& generation, Slot slot);
// A second worker for the slot, which takes over when it is ready.
void fill_beside(Supervisor& s, App& app, Generation& generation, Slot slot);

// Empties the slot: its worker is asked to drain, a waiting start is forgotten. Returns the worker, if any.
WorkerId park_slot(Supervisor& s, Generation& generation, AppId app, Slot slot);
// Empties the slot and stops its worker; the slot is filled again once that one has exited.
void recycle_slot(Supervisor& s, App& app, Generation& generation, Slot slot);
// The generation is to leave: every worker is asked to drain (`now`: stopped), no slot is filled again.
void retire_generation(Supervisor& s, App& app, Generation& generation, bool now = false);
// Stops what still drains of it, before its time. Returns how many workers that concerned.
std::uint32_t cut_generation(Supervisor& s, App& app, Generation& generation, const std::string& why);

// A worker's slot has to do without it: it ended, hangs, or leaves by itself. `worker` may be a copy of one
// that is forgotten already.
void slot_lost(Supervisor& s, const Worker& worker, const Failure& failure, bool by_itself = false);
void slot_is_due(Supervisor& s, App& app, GenerationId generation, Slot slot);
void slot_ready(Supervisor& s, const Worker& worker);
void slot_freed(Supervisor& s, const Worker& worker);
// Nothing is left of the worker: forget it.
void worker_gone(Supervisor& s, WorkerId worker);

}  // namespace liveswap::core
