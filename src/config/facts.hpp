// What configuration must know of the machine: plain values and a few questions, so that tests answer them.
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
  // Of the master's own start: NAME=VALUE.
  std::vector<std::string> environment;
  std::function<std::string()> seccomp_problem;  // why programs cannot be seen to bind by seccomp; "": they can
  std::function<std::optional<std::string>(const std::string&)> read_text;  // none: it cannot be read
  std::function<std::optional<std::string>(const std::string&)> read_head;  // its first bytes (target_kind.hpp)
};

// All that this layer finds out by itself: find_user and find_group are left empty.
Facts facts_without_accounts();

// `find_user`, `find_group`: how the user database is asked, which the layer os/ knows and this one must not: each
// gives an error for what is not there. They may ask a network, whenever a file names an account.
template <class FindUser, class FindGroup>
Facts facts_of_this_machine(FindUser find_user, FindGroup find_group) {
  Facts facts = facts_without_accounts();
  facts.find_user = [find_user](const std::string& name) -> std::optional<User> {
    const auto found = find_user(name);
    if (!found) return std::nullopt;
    return User{found->uid, found->gid, found->name};
  };
  facts.find_group = [find_group](const std::string& name) -> std::optional<std::uint32_t> {
    const auto found = find_group(name);
    if (!found) return std::nullopt;
    return *found;
  };
  return facts;
}

}  // namespace liveswap::config
