// Users and groups by name or number, from the system's databases. May wait for a name service, so this is
// for reading a configuration, not for a running loop.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "os/error.hpp"

namespace liveswap::os {

struct User {
  uid_t uid = 0;
  std::optional<gid_t> gid;  // the primary group; none for a number that the database does not know
  std::string name;          // empty for such a number, as are the other two
  std::string home{};
  std::string shell{};
};

// A name that consists of digits is looked up as a name first.
[[nodiscard]] Result<User> find_user(const std::string& name_or_number);
[[nodiscard]] Result<gid_t> find_group(const std::string& name_or_number);

// All groups that the user is in, and `primary`, which comes first.
[[nodiscard]] Result<std::vector<gid_t>> groups_of(const User& user, gid_t primary);

}  // namespace liveswap::os
