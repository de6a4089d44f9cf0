// A release that outlives the master which has made it: its values are in the state, its directory is with the
// guardian.
#pragma once

#include <memory>
#include <string>

#include "core/archive.hpp"
#include "core/persist_plan.hpp"
#include "master/keeper.hpp"
#include "master/release.hpp"

namespace liveswap::config {
LIVESWAP_FIELDS(EnvValue, text, per_worker)
LIVESWAP_FIELDS(SocketValue, listener, address, port, fd)
}  // namespace liveswap::config

namespace liveswap::wire {
LIVESWAP_FIELDS(Identity, uid, gid, groups)
LIVESWAP_FIELDS(ResourceLimit, resource, soft, hard)
}  // namespace liveswap::wire

namespace liveswap::master {

LIVESWAP_FIELDS(FileDigest, path, device, inode, size, modified_ns)
LIVESWAP_FIELDS(ReleaseDigest, plan, target, directory, identity, command, environment, files)
LIVESWAP_FIELDS(ReleaseValues, app, id, label, plan, overrides, target, program, command, ready_command,
                message_command, sockets, environment, variables, worker_variables, directory_path, identity, limits,
                digest)

// Under which its directory is kept.
[[nodiscard]] inline KeepKey directory_key(const ReleaseValues& release) {
  return {KeepRole::release_directory, static_cast<std::uint32_t>(release.app.value), release.id.value};
}

// `directory`: as it was kept; not valid: it is opened by its path. Where that is another one by now, nothing can be
// started of the release any more, and `problem` says why.
[[nodiscard]] std::shared_ptr<const Release> restore_release(ReleaseValues values, os::OwnedFd directory,
                                                             std::string& problem);

}  // namespace liveswap::master
