// What --help prints: made of the tables, 80 columns at most. Pure.
#pragma once

#include <string>

#include "wire/control.hpp"

namespace liveswap::ctl {

std::string program_help();
std::string command_help(const wire::control::Command& command);

// One line: "usage: liveswapctl scale [OPTIONS] [APP] N|+N|-N|auto|--reset"
std::string usage_line(const wire::control::Command& command);

}  // namespace liveswap::ctl
