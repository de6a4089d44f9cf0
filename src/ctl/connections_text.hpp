// Workers' connections as text for people. Pure; the time is a parameter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ctl/status_text.hpp"
#include "ctl/times.hpp"
#include "wire/json.hpp"

namespace liveswap::ctl {

// "3 connections"
std::string connection_count(std::int64_t count);

// How old something is: "41m", or ">41m" where its member `exact` does not say that it came at `since`; "" where
// nothing is known.
std::string age_since(const wire::Json& object, std::string_view since, std::string_view exact, WallTime now);

// A reply to Connections: a table, and what it does not show.
std::string connections_text(const wire::Json& reply, const Page& page);

}  // namespace liveswap::ctl
