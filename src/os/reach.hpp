// Whether another user could reach a path: search permission on every directory that leads to it.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>

namespace liveswap::os {

// Of the directory `path`, which is absolute, and of all above it, symlinks followed. Judged by owner and mode: where
// an access control list says otherwise the answer may be wrong either way. Root reaches everything; what cannot be
// looked at is taken for closed.
[[nodiscard]] bool can_search(const std::string& path, uid_t uid, std::span<const gid_t> groups);

}  // namespace liveswap::os
