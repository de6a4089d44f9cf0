// Users and groups that a file names: are they there, and may the master become or give to them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/decoder.hpp"
#include "core/plan.hpp"

namespace liveswap::config {

// What will be done with the account: changing to it, or making it the owner of a path.
enum class AccountUse { become, own };

void take_user(Section& section, std::string_view key, std::optional<std::string>& target, AccountUse use);
void take_group(Section& section, std::string_view key, std::optional<std::string>& target, AccountUse use);

// `user:` and `group:` of an app: whom its processes run as.
void take_account(Section& section, core::AppPlan& app);

// `{users: […], groups: […]}` of a level of control.
core::Access take_access(Section section);

}  // namespace liveswap::config
