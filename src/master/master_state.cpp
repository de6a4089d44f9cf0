#include "master/master_state.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/persist_messages.hpp"
#include "core/persist_state.hpp"

namespace liveswap::master {

std::unexpected<std::string> not_understood(const SavedState& saved, std::string_view part) {
  if (saved.version > core::kArchiveVersion) {
    return std::unexpected(fmt::format("it is of version {}, and this liveswap knows versions up to {}", saved.version,
                                       core::kArchiveVersion));
  }
  return std::unexpected(fmt::format("its {} cannot be understood", part));
}

std::expected<LastingState, std::string> read_lasting(const SavedState& saved) {
  core::ArchiveReader reader(saved.lasting, saved.version);
  LastingState lasting;
  reader(lasting);
  if (reader.failed() || !reader.at_end()) return not_understood(saved, "plan");
  return lasting;
}

std::expected<PassingState, std::string> read_passing(const SavedState& saved) {
  core::ArchiveReader reader(saved.passing, saved.version);
  PassingState state;
  auto core = core::Core::restore(reader);
  if (!core) return std::unexpected(core.error());
  state.core = std::move(*core);
  reader(state.actions, state.listeners, state.on_demand, state.workers, state.requests, state.hooked,
         state.said_ready, state.events);
  if (reader.failed() || !reader.at_end()) return not_understood(saved, "workers");
  return state;
}

}  // namespace liveswap::master
