// Where liveswap's other programs are: beside the master that runs, whether installed under any prefix or in the build
// tree.
#pragma once

#include <expected>
#include <string>

#include "os/fd.hpp"

namespace liveswap::master {

// Opens liveswap-launch for being run by its descriptor: `told` alone, where that is not empty. The error names every
// path that was tried.
[[nodiscard]] std::expected<os::OwnedFd, std::string> open_launcher_program(const std::string& told);

// The path of liveswap-bind.so, as LD_PRELOAD has it: beside the launcher, where one was `told`, too.
[[nodiscard]] std::expected<std::string, std::string> find_bind_library(const std::string& told);

// The same for liveswap-guardian.
[[nodiscard]] std::expected<os::OwnedFd, std::string> open_guardian_program();

// The path of liveswapctl.
[[nodiscard]] std::expected<std::string, std::string> find_client_program();

}  // namespace liveswap::master
