// The parts of the completion scripts that complete liveswap itself, made of its own tables. Pure.
#pragma once

#include <string>
#include <string_view>

namespace liveswap::ctl {

// For inside of single quotes, where `quote` stands for one.
std::string quotable(std::string_view text, std::string_view quote);

// Offers files for the word, in bash; a folder's name goes on with a slash.
inline constexpr std::string_view kBashFiles =
    "compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return";

// Each defines what completes liveswap; for fish it is said at once.
std::string master_bash();  // the function _liveswap, and that it is used
std::string master_zsh();   // the function _liveswap
std::string master_fish();

}  // namespace liveswap::ctl
