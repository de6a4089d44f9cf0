// Reading what a master replied, leniently: a member that is not there, or is something else, is as good as
// null, since the master may be older or newer than the client.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wire/json.hpp"

namespace liveswap::ctl {

std::string text_in(const wire::Json& object, std::string_view name);  // "" for none
std::optional<std::int64_t> number_in(const wire::Json& object, std::string_view name);
bool flag_in(const wire::Json& object, std::string_view name);
const wire::Json& list_in(const wire::Json& object, std::string_view name);    // an array
const wire::Json& object_in(const wire::Json& object, std::string_view name);  // an object

}  // namespace liveswap::ctl
