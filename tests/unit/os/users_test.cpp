#include "os/users.hpp"

#include <algorithm>

#include "helpers.hpp"

namespace liveswap::os {
using namespace test;

TEST_CASE("a user is found by name and by number") {
  const User root = must(find_user("root"));
  CHECK(root.uid == 0);
  CHECK(root.gid == 0);
  CHECK(root.name == "root");
  const User zero = must(find_user("0"));
  CHECK(zero.name == "root");
  CHECK(zero.gid == 0);
}

TEST_CASE("a number that the database does not know is a user without a name and a primary group") {
  const User user = must(find_user("3999999999"));
  CHECK(user.uid == 3999999999);
  CHECK(!user.gid.has_value());
  CHECK(user.name.empty());
  CHECK(must(groups_of(user, 12)) == std::vector<gid_t>{12});
}

TEST_CASE("who is not there is named") {
  CHECK(error_of(find_user("liveswap-nobody")) == "there is no user \"liveswap-nobody\"");
  CHECK(error_of(find_group("liveswap-nogroup")) == "there is no group \"liveswap-nogroup\"");
  for (const char* number : {"", "-1", "4294967295", "4294967296", "12x", " 12"}) {
    CAPTURE(number);
    CHECK(error_of(find_user(number)) == "there is no user \"" + std::string(number) + "\"");
    CHECK(error_of(find_group(number)) == "there is no group \"" + std::string(number) + "\"");
  }
}

TEST_CASE("a group is found by name and by number") {
  CHECK(must(find_group("root")) == 0);
  CHECK(must(find_group("daemon")) == 1);
  CHECK(must(find_group("3999999999")) == 3999999999);
}

TEST_CASE("a user's groups begin with the primary one that was chosen") {
  const User root = must(find_user("root"));
  CHECK(must(groups_of(root, 0)).front() == 0);
  const auto groups = must(groups_of(root, 4242));
  CHECK(groups.front() == 4242);
  CHECK(std::ranges::count(groups, 4242U) == 1);
}

}  // namespace liveswap::os
