// HEAD: a file of one line, the path of the target that serves. A master that is started with it and without -s goes on
// from there (config/target_plan.hpp reads it).
#pragma once

#include <expected>
#include <string>

namespace liveswap::master {

// Whether it could be replaced now. Asked before anything of an upgrade is done.
[[nodiscard]] std::expected<void, std::string> check_head(const std::string& path);

// In one step: nobody ever reads half a line. The errors begin with "HEAD".
[[nodiscard]] std::expected<void, std::string> write_head(const std::string& path, const std::string& target);

}  // namespace liveswap::master
