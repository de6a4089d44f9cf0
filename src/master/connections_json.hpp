// Who is connected with an app's workers, as the JSON of the control interface.
#pragma once

#include <cstddef>
#include <string>

#include "core/snapshot.hpp"
#include "master/operations.hpp"
#include "wire/json.hpp"

namespace liveswap::master {

// Of very many the oldest are shown: a reply has to fit in a message.
inline constexpr std::size_t kConnectionsShown = 1000;

// The reply to Connections; an empty name is all apps.
wire::Json connections_json(const Operations& master, const core::Snapshot& snapshot, const std::string& app);

}  // namespace liveswap::master
