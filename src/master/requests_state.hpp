// What the next master has to know of operators' requests: their tickets, the answers that were given, and what
// upgrades are to be made of.
#pragma once

#include <map>
#include <vector>

#include "core/archive.hpp"
#include "core/persist_messages.hpp"
#include "core/persist_plan.hpp"
#include "master/operations.hpp"
#include "master/tickets.hpp"

namespace liveswap::master {

struct RequestsState {
  core::RequestId last;                  // the next one is counted up from it
  std::vector<core::RequestId> waiting;  // that have no ticket
  std::vector<TicketState> tickets;
  std::map<core::RequestId, CheckedUpgrade> upgrades;
};

LIVESWAP_FIELDS(ReleaseOverrides, target, command, env, label)
LIVESWAP_FIELDS(CheckedUpgrade, app, remark, overrides)
LIVESWAP_FIELDS(TicketCall, method, digest)
LIVESWAP_FIELDS(TicketPart, request, app, outcome)
LIVESWAP_FIELDS(TicketState, uid, text, call, parts)
LIVESWAP_FIELDS(RequestsState, last, waiting, tickets, upgrades)

}  // namespace liveswap::master
