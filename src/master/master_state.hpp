// What a master leaves to the next one, beside the descriptors that the guardian keeps (state_image.hpp). The passing
// part is written and read by Master itself (master_takeover.cpp), out of what its parts save.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "core/archive_reader.hpp"
#include "core/archive_writer.hpp"
#include "core/persist_plan.hpp"
#include "master/release_state.hpp"
#include "master/state_image.hpp"

namespace liveswap::master {

// What seldom changes.
struct LastingState {
  core::MasterPlan plan;
  std::vector<ReleaseValues> releases;
};
LIVESWAP_FIELDS(LastingState, plan, releases)

// The error is a clause about the state: "it is damaged (…)".
[[nodiscard]] std::expected<LastingState, std::string> read_lasting(const SavedState& saved);

// Bytes of an image that are whole, yet cannot be understood.
[[nodiscard]] std::unexpected<std::string> not_understood(const SavedState& saved, std::string_view part);

}  // namespace liveswap::master
