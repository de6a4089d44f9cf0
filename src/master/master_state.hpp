// What a master leaves to the next one, beside the descriptors that the guardian keeps (state_image.hpp). It is written
// by Master (master_takeover.cpp), out of what its parts save.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/action.hpp"
#include "core/archive_reader.hpp"
#include "core/archive_writer.hpp"
#include "core/core.hpp"
#include "core/persist_plan.hpp"
#include "master/listeners_state.hpp"
#include "master/release_state.hpp"
#include "master/requests_state.hpp"
#include "master/state_image.hpp"
#include "master/workers_state.hpp"

namespace liveswap::master {

// What seldom changes.
struct LastingState {
  core::MasterPlan plan;
  std::vector<ReleaseValues> releases;
};
LIVESWAP_FIELDS(LastingState, plan, releases)

// The error is a clause about the state: "it is damaged (…)".
[[nodiscard]] std::expected<LastingState, std::string> read_lasting(const SavedState& saved);

// What changes with each turn of the loop.
struct PassingState {
  std::unique_ptr<core::Core> core;
  core::ActionList actions;  // that were decided, of which some may be performed
  ListenersState listeners;
  OnDemandState on_demand;
  WorkersState workers;
  RequestsState requests;
  std::map<core::RequestId, CheckedUpgrade> hooked;
  bool said_ready = false;
  std::uint64_t events = 0;  // the last one's number
};
[[nodiscard]] std::expected<PassingState, std::string> read_passing(const SavedState& saved);

// Bytes of an image that are whole, yet cannot be understood.
[[nodiscard]] std::unexpected<std::string> not_understood(const SavedState& saved, std::string_view part);

}  // namespace liveswap::master
