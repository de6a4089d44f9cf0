// How a request ended, as a reply: the Outcome of org.liveswap.Control, in a plain reply or in the error that
// belongs to its result.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/action.hpp"
#include "core/snapshot.hpp"
#include "wire/control.hpp"
#include "wire/varlink.hpp"

namespace liveswap::master {

// None for what is no failure.
std::optional<wire::control::Error> error_of(const core::Outcome& outcome);

// What happened, in a sentence for people; "" where there is nothing to say.
std::string text_of(const core::Outcome& outcome);

wire::Json outcome_json(const core::Outcome& outcome, const core::Snapshot& apps);

// The last reply to a call that ended so.
wire::varlink::Reply reply_of(const core::Outcome& outcome, const core::Snapshot& apps);

// What a refusal before the core was asked looks like: nothing changed, so this is what serves now.
core::Outcome refused(core::Result result, core::Reason reason, std::string text,
                      const core::AppSnapshot* app = nullptr);

// The outcome that stands for several: the worst; of equal ones the first.
const core::Outcome& worst_of(const std::vector<core::Outcome>& outcomes);

}  // namespace liveswap::master
