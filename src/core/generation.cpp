#include "core/generation.hpp"

namespace liveswap::core {

void Generation::reindex(Slot slot) {
  ready.erase(slot);
  unready.erase(slot);
  parked.erase(slot);
  const auto found = slots.find(slot);
  if (found == slots.end()) return;
  const SlotState& state = found->second;
  if (state.occupant && state.occupant_ready) {
    ready.insert(slot);
  } else if (state.wanted && !state.gave_up) {
    unready.insert(slot);
  } else if (!state.gave_up) {
    parked.insert(slot);
  }
}

}  // namespace liveswap::core
