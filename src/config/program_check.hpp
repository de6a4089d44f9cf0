// Whether a command's program is there when the file is read. Where it is not, that is a warning at most: the file may
// be checked on another machine, or before the release is unpacked.
#pragma once

#include <optional>
#include <string>

#include "config/facts.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// Looks for the program, a word that may hold `${…}`, as liveswap-launch will: relative to the app's cwd where it has a
// slash, else in the app's PATH. The text completes a warning: `"./server" is not there now: /srv/web/server`. None: it
// is there, or what will be run is not known before a worker is made.
std::optional<std::string> missing_program(const std::string& word, const core::AppPlan& app,
                                           const std::string& folder, const Facts& facts);

}  // namespace liveswap::config
