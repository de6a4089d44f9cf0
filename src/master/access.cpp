#include "master/access.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>

#include "os/users.hpp"

namespace liveswap::master {

namespace {

using wire::control::Level;

bool contains(const std::vector<gid_t>& groups, gid_t gid) {
  return std::ranges::find(groups, gid) != groups.end();
}

}  // namespace

std::expected<AccessRules::Listed, std::string> AccessRules::resolve(const core::Access& access,
                                                                     Level level) {
  const auto unknown = [level](std::string_view what, const std::string& name, const os::Error& error) {
    if (error.code != 0) return std::unexpected(fmt::format("control.{}: {}", name_of(level), error.message()));
    return std::unexpected(fmt::format("control.{}: the system knows no {} \"{}\"", name_of(level), what, name));
  };
  Listed listed;
  for (const std::string& name : access.users) {
    const auto user = os::find_user(name);
    if (!user) return unknown("user", name, user.error());
    listed.users.push_back({user->uid, name, {}});
    if (!user->gid) continue;
    if (auto groups = os::groups_of(*user, *user->gid)) listed.users.back().groups = std::move(*groups);
  }
  for (const std::string& name : access.groups) {
    const auto gid = os::find_group(name);
    if (!gid) return unknown("group", name, gid.error());
    listed.groups.push_back({*gid, name});
  }
  return listed;
}

std::expected<AccessRules, std::string> AccessRules::resolve(const core::ControlPlan& plan, uid_t own_uid) {
  AccessRules rules;
  rules.own_uid_ = own_uid;
  const struct {
    const core::Access& access;
    Level level;
    Listed& listed;
  } rows[] = {{plan.observers, Level::observers, rules.observers_},
              {plan.operators, Level::operators, rules.operators_},
              {plan.admins, Level::admins, rules.admins_}};
  for (const auto& row : rows) {
    auto listed = resolve(row.access, row.level);
    if (!listed) return std::unexpected(listed.error());
    row.listed = std::move(*listed);
  }
  return rules;
}

bool AccessRules::holds(const Listed& listed, const os::PeerCredentials& peer) const {
  return std::ranges::any_of(listed.users, [&](const User& user) { return user.uid == peer.uid; }) ||
         std::ranges::any_of(listed.groups, [&](const Group& group) {
           return group.gid == peer.gid || contains(peer.groups, group.gid);
         });
}

Level AccessRules::level_of(const os::PeerCredentials& peer) const {
  if (peer.uid == 0 || peer.uid == own_uid_ || holds(admins_, peer)) return Level::admins;
  if (holds(operators_, peer)) return Level::operators;
  if (holds(observers_, peer)) return Level::observers;
  return Level::none;
}

bool AccessRules::has_others() const {
  return std::ranges::any_of(
      std::initializer_list<const Listed*>{&observers_, &operators_, &admins_},
      [](const Listed* listed) { return !listed->users.empty() || !listed->groups.empty(); });
}

std::expected<void, std::string> AccessRules::check_reachable(const std::string& folder) const {
  std::string path;
  for (const std::filesystem::path& part : std::filesystem::path(folder)) {
    path = (std::filesystem::path(path) / part).string();
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) continue;  // who makes the socket will say so
    const auto keeps_out = [&](const std::string& who) {
      return std::unexpected(
          fmt::format("control.socket: {} cannot reach it, because {} is closed to others (mode {:04o})", who,
                      path, about.st_mode & 07777U));
    };
    if ((about.st_mode & S_IXOTH) != 0) continue;
    for (const Listed* listed : {&observers_, &operators_, &admins_}) {
      for (const User& user : listed->users) {
        const bool owner = user.uid == about.st_uid && (about.st_mode & S_IXUSR) != 0;
        const bool member = contains(user.groups, about.st_gid) && (about.st_mode & S_IXGRP) != 0;
        if (user.uid != 0 && !owner && !member) return keeps_out("user " + user.name);
      }
      for (const Group& group : listed->groups) {
        if (group.gid != about.st_gid || (about.st_mode & S_IXGRP) == 0)
          return keeps_out("group " + group.name);
      }
    }
  }
  return {};
}

}  // namespace liveswap::master
