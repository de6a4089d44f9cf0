// Runs liveswapctl: words of the command line in, exit status out.
#pragma once

#include <string>
#include <vector>

#include "ctl/find_master.hpp"
#include "ctl/screen.hpp"
#include "ctl/session.hpp"

namespace liveswap::ctl {

struct World {
  Terminal terminal;
  config::Surroundings surroundings;
  Wanted environment;  // what the environment says of which master it is, and the folder
  Output::Write out, err;
};

int run(const std::vector<std::string>& words, const World& world);

// One function for each command; returns the exit status.
#define COMMAND(name, Method, ...) int run_##Method(Session& session);
#define LOCAL_COMMAND(...)
#define METHOD(...)
#include "wire/commands.def"
#undef COMMAND
#undef LOCAL_COMMAND
#undef METHOD

}  // namespace liveswap::ctl
