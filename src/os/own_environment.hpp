// The environment of this process as it is now, for one that it starts: NAME=value each.
#pragma once

#include <unistd.h>

#include <string>
#include <vector>

namespace liveswap::os {

[[nodiscard]] inline std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  return variables;
}

}  // namespace liveswap::os
