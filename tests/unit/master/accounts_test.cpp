// What a configuration that the master reads is told of users and groups: the answers of os/, which config/ must not
// know.
#include <doctest/doctest.h>

#include "config/facts.hpp"
#include "os/users.hpp"

namespace liveswap::master {
namespace {

TEST_CASE("the machine's own users and groups") {
  const auto facts = config::facts_of_this_machine(os::find_user, os::find_group);
  CHECK(facts.find_user("root")->uid == 0);
  CHECK(facts.find_user("root")->gid == 0U);
  CHECK(facts.find_user("0")->name == "root");
  CHECK_FALSE(facts.find_user("no such user"));
  auto number = facts.find_user("4000000000");
  REQUIRE(number);
  CHECK(number->uid == 4'000'000'000U);
  CHECK_FALSE(number->gid);
  CHECK(facts.find_group("root") == 0U);
  CHECK(facts.find_group("4000000000") == 4'000'000'000U);
  CHECK_FALSE(facts.find_group("no such group"));
}

}  // namespace
}  // namespace liveswap::master
