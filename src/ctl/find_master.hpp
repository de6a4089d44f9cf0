// Which master a command is for: by its socket, its configuration file, its name, or because it is the only
// one.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/directories.hpp"
#include "ctl/client.hpp"
#include "ctl/failure.hpp"

namespace liveswap::ctl {

// What says which one it is; the first that is there decides. The options come before the environment.
struct Wanted {
  std::optional<std::string> control;                // --control
  std::optional<std::string> file;                   // -c
  std::optional<std::string> name;                   // -n
  std::optional<std::string> env_control, env_name;  // $LIVESWAP_CONTROL, $LIVESWAP_NAME
  std::string folder;                                // that relative paths are relative to

  [[nodiscard]] bool nothing() const { return !control && !file && !name && !env_control && !env_name; }
};

// A control socket, and how connecting went.
struct Attempt {
  std::string path;
  os::Result<Client> client;
};

std::expected<Client, Failure> find_master(const Wanted& wanted, const config::Surroundings& surroundings);

// Every control socket that somebody has, of the one that is wanted or of all, connected where that can be. At
// least one, or it is a failure.
std::expected<std::vector<Attempt>, Failure> find_all(const Wanted& wanted,
                                                      const config::Surroundings& surroundings);

// Why the attempt failed: denied, or else no master.
Failure failure_of(const Attempt& attempt);

// A name for people: of a socket RUNTIME/NAME/control.sock it is NAME, else the path.
std::string name_by_path(const std::string& path);

}  // namespace liveswap::ctl
