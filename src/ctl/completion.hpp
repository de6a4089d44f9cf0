// Completion scripts for shells, of liveswapctl and liveswap, made of the tables. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace liveswap::ctl {

// nullopt for a shell that is none of bash, zsh and fish.
std::optional<std::string> completion_script(std::string_view shell);

}  // namespace liveswap::ctl
