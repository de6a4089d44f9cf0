#include "os/users.hpp"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace liveswap::os {
namespace {

constexpr std::size_t kFirstBuffer = 1024;
constexpr std::size_t kBufferMax = 16 * 1024 * 1024;  // a group can have many members

// Calls one of the get..._r functions with a buffer that grows until the entry fits, and hands the entry, or
// a null pointer where there is none, to `use`.
template <class Entry, class Call, class Use>
Result<void> look_up(const char* function, const std::string& key, Call call, Use use) {
  std::vector<char> buffer(kFirstBuffer);
  for (;;) {
    Entry entry{};
    Entry* found = nullptr;
    const int code = call(&entry, buffer.data(), buffer.size(), &found);
    if (code == ERANGE && buffer.size() < kBufferMax) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    // "Not found" is reported in as many ways as there are name services.
    const bool absent = code == ENOENT || code == ESRCH || code == EBADF || code == EPERM;
    if (code == EINTR) continue;
    if (code != 0 && !absent) return fail_with(code, std::string(function) + "(" + key + ")");
    use(code == 0 ? found : nullptr);
    return {};
  }
}

std::optional<std::uint32_t> parse_id(const std::string& text) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  constexpr std::uint32_t kNobodyAtAll = ~0U;  // "leave it as it is" in setuid and chown
  if (error != std::errc{} || end != text.data() + text.size() || id == kNobodyAtAll) return std::nullopt;
  return id;
}

User user_of(const passwd& entry) {
  const auto text = [](const char* field) { return std::string(field == nullptr ? "" : field); };
  return {entry.pw_uid, entry.pw_gid, entry.pw_name, text(entry.pw_dir), text(entry.pw_shell)};
}

Result<std::optional<User>> user_by_name(const std::string& name) {
  std::optional<User> user;
  const auto done = look_up<passwd>(
      "getpwnam", name,
      [&](passwd* entry, char* buffer, std::size_t size, passwd** found) {
        return ::getpwnam_r(name.c_str(), entry, buffer, size, found);
      },
      [&](const passwd* found) {
        if (found != nullptr) user = user_of(*found);
      });
  if (!done) return std::unexpected(done.error());
  return user;
}

Result<User> user_by_number(uid_t uid) {
  User user{uid, std::nullopt, {}};
  const auto done = look_up<passwd>(
      "getpwuid", std::to_string(uid),
      [&](passwd* entry, char* buffer, std::size_t size, passwd** found) {
        return ::getpwuid_r(uid, entry, buffer, size, found);
      },
      [&](const passwd* found) {
        if (found != nullptr) user = user_of(*found);
      });
  if (!done) return std::unexpected(done.error());
  return user;
}

}  // namespace

Result<User> find_user(const std::string& name_or_number) {
  auto user = user_by_name(name_or_number);
  if (!user) return std::unexpected(user.error());
  if (*user) return std::move(**user);
  if (const auto uid = parse_id(name_or_number)) return user_by_number(*uid);
  return fail_with(0, "there is no user \"" + name_or_number + "\"");
}

Result<gid_t> find_group(const std::string& name_or_number) {
  std::optional<gid_t> gid;
  const auto done = look_up<group>(
      "getgrnam", name_or_number,
      [&](group* entry, char* buffer, std::size_t size, group** found) {
        return ::getgrnam_r(name_or_number.c_str(), entry, buffer, size, found);
      },
      [&](const group* found) {
        if (found != nullptr) gid = found->gr_gid;
      });
  if (!done) return std::unexpected(done.error());
  if (!gid) gid = parse_id(name_or_number);
  if (!gid) return fail_with(0, "there is no group \"" + name_or_number + "\"");
  return *gid;
}

Result<std::vector<gid_t>> groups_of(const User& user, gid_t primary) {
  if (user.name.empty()) return std::vector<gid_t>{primary};
  std::vector<gid_t> groups(16);
  for (;;) {
    int count = static_cast<int>(groups.size());
    const int result = ::getgrouplist(user.name.c_str(), primary, groups.data(), &count);
    const bool fits = result != -1;
    if (!fits && static_cast<std::size_t>(count) <= groups.size())
      return fail_with(EIO, "getgrouplist(" + user.name + ")");
    groups.resize(static_cast<std::size_t>(count));
    if (fits) break;
  }
  if (const auto at = std::ranges::find(groups, primary); at != groups.end())
    std::iter_swap(groups.begin(), at);
  return groups;
}

}  // namespace liveswap::os
