// What configuration must know of the machine: plain values and three questions, so that tests answer them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace liveswap::config {

struct User {
  std::uint32_t uid = 0;
  std::optional<std::uint32_t>
      gid;           // of its primary group; none for a number that the user database does not know
  std::string name;  // "" for such a number
};

enum class PathKind { missing, directory, executable, other };

struct Facts {
  std::uint32_t uid = 0;                // of the master, effective
  std::vector<std::uint32_t> groups;    // of the master: effective and supplementary
  std::uint32_t processors = 1;         // that the master may use
  int somaxconn = 4096;                 // net.core.somaxconn
  std::string working_directory = "/";  // absolute
  // Names or numbers. A number needs no entry in the user database for a group, but does for a user: its
  // group.
  std::function<std::optional<User>(const std::string&)> find_user;
  std::function<std::optional<std::uint32_t>(const std::string&)> find_group;
  std::function<PathKind(const std::string&)> kind_of;  // follows symlinks
};

// Blocks: it may ask the user database, which may ask a network.
Facts facts_of_this_machine();

}  // namespace liveswap::config
