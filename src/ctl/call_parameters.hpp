// Parts of a command line as parameters of calls: strict, with a sentence where it makes no sense. Pure.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "ctl/arguments.hpp"
#include "wire/json.hpp"

namespace liveswap::ctl {

using Built = std::expected<wire::Json, std::string>;

// The parameters of the command's call. `folder` is what relative paths are relative to; absolute.
Built parameters_of(const Arguments& arguments, std::string_view folder);

}  // namespace liveswap::ctl
