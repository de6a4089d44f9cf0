// Times as people and programs read them: RFC 3339 in UTC with milliseconds, "2026-01-31T23:59:59.123Z".
#pragma once

#include <string>

#include "master/facts.hpp"

namespace liveswap::master {

std::string rfc3339(WallTime time);

}  // namespace liveswap::master
