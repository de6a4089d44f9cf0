// A generation: the slots that it fills, and the workers that it has, leaving ones included.
//
// A slot is in one of three indexes, or has given up. Whoever changes a slot calls reindex(), so that
// counting workers costs nothing, however many there are. Owned by its App, from its first worker's spawn
// until its last worker has gone (the generation that serves: until it is replaced or stopped).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "core/backoff.hpp"
#include "core/ids.hpp"
#include "core/plan.hpp"
#include "core/time.hpp"

namespace liveswap::core {

struct SlotState {
  bool wanted = true;    // false: a rollout took its worker away
  bool gave_up = false;  // restart.limit: it is not tried again
  WorkerId occupant{};   // the worker that starts or serves here
  bool occupant_ready = false;
  WorkerId incoming{};               // restart of this slot: it takes over when it is ready
  WorkerId awaited{};                // restart --now: the next one is spawned when this one has exited
  std::optional<Time> next_start{};  // back-off
  Backoff backoff{};
  std::uint32_t restarts = 0;
  Time since{};  // without a worker since then
};

struct Generation {
  GenerationId id;
  ReleaseId release;
  std::shared_ptr<const AppPolicy> policy;
  std::uint32_t size = 0;  // slots at full strength: 0 … size - 1
  std::map<Slot, SlotState> slots{};
  std::set<Slot> ready{};        // has a ready worker
  std::set<Slot> unready{};      // wanted, and its worker starts, is awaited or is in back-off
  std::set<Slot> parked{};       // not wanted now, and empty
  std::set<WorkerId> workers{};  // all that live
  bool draining = false;         // it was replaced, or failed: none of its slots is filled again
  bool cut = false;              // it was stopped before its time
  Time since{};

  std::uint32_t taken() const { return static_cast<std::uint32_t>(ready.size() + unready.size()); }
  bool all_gave_up() const { return !slots.empty() && ready.empty() && unready.empty() && parked.empty(); }
  bool strong() const { return !draining && ready.size() == size; }
  void reindex(Slot slot);
};

}  // namespace liveswap::core
