// Who gets which level, and which configurations are refused because nobody could use them.
#include "master/access.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace liveswap::master {
namespace {

using wire::control::Level;

AccessRules rules_of(const core::ControlPlan& plan, uid_t own_uid = 500) {
  auto rules = AccessRules::resolve(plan, own_uid);
  if (!rules) FAIL(rules.error());
  return std::move(*rules);
}

os::PeerCredentials peer(uid_t uid, gid_t gid = 9999, std::vector<gid_t> groups = {}) {
  return {.pid = 1, .uid = uid, .gid = gid, .groups = std::move(groups)};
}

struct TempFolder {
  std::string path = "/tmp/liveswap-access-XXXXXX";
  TempFolder() { REQUIRE(::mkdtemp(path.data()) != nullptr); }
  ~TempFolder() { std::filesystem::remove_all(path); }
};

TEST_CASE("without configuration only root and the master's user have a level, and it is the highest") {
  const auto rules = rules_of({});
  CHECK_FALSE(rules.has_others());
  CHECK(rules.level_of(peer(0)) == Level::admins);
  CHECK(rules.level_of(peer(500)) == Level::admins);
  CHECK(rules.level_of(peer(501)) == Level::none);
}

TEST_CASE("a user, a primary group and a supplementary group each give their level") {
  core::ControlPlan plan;
  plan.observers.groups = {"700"};
  plan.operators.users = {"1001"};
  plan.operators.groups = {"701"};
  plan.admins.users = {"1002"};
  const auto rules = rules_of(plan);
  CHECK(rules.has_others());
  CHECK(rules.level_of(peer(1000)) == Level::none);
  CHECK(rules.level_of(peer(1000, 700)) == Level::observers);
  CHECK(rules.level_of(peer(1000, 1, {2, 700})) == Level::observers);
  CHECK(rules.level_of(peer(1001)) == Level::operators);
  CHECK(rules.level_of(peer(1000, 1, {701, 700})) == Level::operators);
  CHECK(rules.level_of(peer(1002, 1, {701, 700})) == Level::admins);
}

TEST_CASE("names are looked up, and an unknown one is an error that says where it stands") {
  core::ControlPlan plan;
  plan.admins.users = {"root"};
  CHECK(rules_of(plan).has_others());
  plan.operators.users = {"no-such-user-here"};
  CHECK(AccessRules::resolve(plan, 500).error() ==
        "control.operators: the system knows no user \"no-such-user-here\"");
  plan.operators.users = {};
  plan.observers.groups = {"no-such-group-here"};
  CHECK(AccessRules::resolve(plan, 500).error() ==
        "control.observers: the system knows no group \"no-such-group-here\"");
}

TEST_CASE("a folder that keeps a listed user or group out is named") {
  TempFolder folder;
  REQUIRE(::chmod(folder.path.c_str(), 0700) == 0);
  core::ControlPlan users;
  users.observers.users = {"12345"};
  CHECK(rules_of(users).check_reachable(folder.path).error() ==
        "control.socket: user 12345 cannot reach it, because " + folder.path +
            " is closed to others (mode 0700)");
  core::ControlPlan groups;
  groups.operators.groups = {"12345"};
  CHECK(rules_of(groups).check_reachable(folder.path + "/deeper").error() ==
        "control.socket: group 12345 cannot reach it, because " + folder.path +
            " is closed to others (mode 0700)");
}

TEST_CASE("a folder is open by its mode for others, for its owner, or for its group") {
  TempFolder folder;
  core::ControlPlan others;
  others.observers.users = {"12345"};
  others.operators.groups = {"12345"};
  REQUIRE(::chmod(folder.path.c_str(), 0711) == 0);
  CHECK(rules_of(others).check_reachable(folder.path));
  core::ControlPlan own;
  own.admins.users = {std::to_string(::geteuid())};
  own.admins.groups = {std::to_string(::getegid())};
  REQUIRE(::chmod(folder.path.c_str(), 0710) == 0);
  CHECK(rules_of(own).check_reachable(folder.path));
}

}  // namespace
}  // namespace liveswap::master
