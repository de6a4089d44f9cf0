#include "config/accounts.hpp"

#include <algorithm>

#include "config/text.hpp"

namespace liveswap::config {

namespace {

std::optional<std::string> refuse_user(const Facts& facts, const std::string& name, AccountUse use) {
  auto user = facts.find_user(name);
  if (!user) return fmt::format("there is no user {}", quoted(name));
  if (facts.uid == 0 || user->uid == facts.uid) return std::nullopt;
  if (use == AccountUse::own) return fmt::format("only root can give a path to user {}", quoted(name));
  return fmt::format("only root can run workers as user {}", quoted(name));
}

std::optional<std::string> refuse_group(const Facts& facts, const std::string& name, AccountUse use) {
  auto gid = facts.find_group(name);
  if (!gid) return fmt::format("there is no group {}", quoted(name));
  if (facts.uid == 0) return std::nullopt;
  if (use == AccountUse::own) {
    if (std::find(facts.groups.begin(), facts.groups.end(), *gid) != facts.groups.end()) return std::nullopt;
    return fmt::format("only root or a member can give a path to group {}", quoted(name));
  }
  if (!facts.groups.empty() && facts.groups.front() == *gid) return std::nullopt;
  return fmt::format("only root can run workers as group {}", quoted(name));
}

}  // namespace

void take_user(Section& section, std::string_view key, std::optional<std::string>& target, AccountUse use) {
  auto name = section.word(key);
  if (!name) return;
  target = name->text;
  if (auto reason = refuse_user(section.context().facts, name->text, use)) section.error(key, *reason);
}

void take_group(Section& section, std::string_view key, std::optional<std::string>& target, AccountUse use) {
  auto name = section.word(key);
  if (!name) return;
  target = name->text;
  if (auto reason = refuse_group(section.context().facts, name->text, use)) section.error(key, *reason);
}

void take_account(Section& section, core::AppPlan& app) {
  take_user(section, "user", app.user, AccountUse::become);
  take_group(section, "group", app.group, AccountUse::become);
  if (!app.user || app.group) return;
  auto user = section.context().facts.find_user(*app.user);
  if (user && !user->gid) {
    section.error(
        "user", fmt::format("the user database does not know {}: group: is needed, too", quoted(*app.user)));
  }
}

core::Access take_access(Section section) {
  core::Access access;
  const auto& facts = section.context().facts;
  for (const auto& user : section.words("users", "a user").value_or(std::vector<PlacedWord>{})) {
    if (!facts.find_user(user.text)) {
      section.error_at(user.offset, "users", fmt::format("there is no user {}", quoted(user.text)));
    }
    access.users.push_back(user.text);
  }
  for (const auto& group : section.words("groups", "a group").value_or(std::vector<PlacedWord>{})) {
    if (!facts.find_group(group.text)) {
      section.error_at(group.offset, "groups", fmt::format("there is no group {}", quoted(group.text)));
    }
    access.groups.push_back(group.text);
  }
  return access;
}

}  // namespace liveswap::config
