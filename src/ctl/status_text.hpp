// Replies of the master as text for people. Pure; the time is a parameter.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ctl/style.hpp"
#include "ctl/times.hpp"
#include "wire/json.hpp"

namespace liveswap::ctl {

struct Page {
  WallTime now;
  std::size_t columns = 80;
  Style style;
  std::string place;  // what the user typed to name the master: "-n web"
};

// A reply to Status. With `workers`, a line for each; else only for those that are not ready.
std::string status_text(const wire::Json& status, bool workers, const Page& page);
std::string listeners_text(const wire::Json& reply);
std::string history_text(const wire::Json& reply, const Page& page);
// Of several replies to List; a row for each.
std::string masters_text(const std::vector<wire::Json>& masters, const Page& page);

// "2026-01-31 14:32:05 web/2 g3: ready"
std::string event_text(const wire::Json& event, const Style& style);
// "web/2 g3 | listening"
std::string line_text(const wire::Json& line, bool for_terminal);

}  // namespace liveswap::ctl
