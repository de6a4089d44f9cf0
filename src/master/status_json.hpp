// The master's state as the JSON of the control interface: the types of org.liveswap.Control, one function
// for each.
//
// Keys are added, never renamed. What is unknown or not there is null.
#pragma once

#include <string>

#include "core/snapshot.hpp"
#include "master/operations.hpp"
#include "wire/json.hpp"

namespace liveswap::master {

// The object that `status --json` prints; an empty name is all apps.
wire::Json status_json(const Operations& master, const core::Snapshot& snapshot, const std::string& app);
wire::Json list_json(const Operations& master, const core::Snapshot& snapshot);
wire::Json listeners_json(const Operations& master);
wire::Json history_json(const Operations& master, const core::AppSnapshot& app, core::ReleaseId only);

wire::Json event_json(const Told& told);
wire::Json line_json(const OutputLine& line);

// Whether all workers that are wanted are ready and nothing is under way.
bool is_ready(const core::AppSnapshot& app);

}  // namespace liveswap::master
