#include "os/file_rights.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

namespace liveswap::os {
namespace {

// The call returns what was set before, right or wrong; asking once more with a number that cannot be set tells.
bool set_fs_id(long call, id_t id) {
  constexpr id_t kNobodys = static_cast<id_t>(-1);
  ::syscall(call, id);
  return static_cast<id_t>(::syscall(call, kNobodys)) == id;
}

bool set_groups(const std::vector<gid_t>& groups) {
  return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

}  // namespace

FileRights::FileRights(const FileIdentity* identity) {
  if (identity != nullptr) taken_ = take(*identity);
}

FileRights::~FileRights() {
  if (changed_) give_back();
}

Result<void> FileRights::take(const FileIdentity& identity) {
  const int count = ::getgroups(0, nullptr);
  if (count == -1) return fail("getgroups");
  groups_.resize(static_cast<std::size_t>(count));
  if (::getgroups(count, groups_.data()) == -1) return fail("getgroups");
  changed_ = true;
  if (!set_groups(identity.groups)) return fail("setgroups", identity.uid);
  if (!set_fs_id(SYS_setfsgid, identity.gid)) return fail_with(EPERM, "setfsgid " + std::to_string(identity.gid));
  if (!set_fs_id(SYS_setfsuid, identity.uid)) return fail_with(EPERM, "setfsuid " + std::to_string(identity.uid));
  return {};
}

// To go on with another user's rights would be worse than to end.
void FileRights::give_back() {
  const bool own = set_fs_id(SYS_setfsuid, ::geteuid()) && set_fs_id(SYS_setfsgid, ::getegid()) && set_groups(groups_);
  if (!own && ::geteuid() == 0) std::abort();
}

}  // namespace liveswap::os
