// What an app runs, resolved and pinned when it is made: a worker that is started again later, after
// `current` has moved or an env file has changed, runs just the same. Immutable; shared by those who start
// its workers.
//
// Pinned are the words of the command, the target behind its symlinks, the directory (held open), the
// environment, the limits, the user with his groups, and the policy. Not held is the program's file itself;
// what it was is remembered in `digest`.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/expand.hpp"
#include "core/ids.hpp"
#include "core/plan.hpp"
#include "master/bound_socket.hpp"
#include "master/facts.hpp"
#include "master/release_digest.hpp"
#include "os/fd.hpp"
#include "protocols/protocol.hpp"
#include "wire/launch_plan.hpp"

namespace liveswap::master {

// What of it are values, and so outlives the master as they are (release_state.hpp).
struct ReleaseValues {
  core::AppId app;
  core::ReleaseId id;
  std::string label;
  core::AppPlan plan;                          // with the overrides put in
  std::vector<std::string> overrides;          // as typed: "--target /srv/b"
  std::optional<std::string> target;           // behind all symlinks
  std::optional<std::string> program;          // where it is not command[0]: the target itself is run
  std::vector<config::EnvValue> command;       // what differs from worker to worker is still a template
  std::vector<config::EnvValue> ready_command;
  std::vector<config::EnvValue> message_command;
  std::vector<config::SocketValue> sockets;    // for those templates
  config::Environment environment;
  std::vector<std::string> variables;          // of it, NAME=VALUE, those that all workers have alike …
  config::Environment worker_variables;        // … and those that differ
  std::string directory_path;                  // behind all symlinks
  std::optional<wire::Identity> identity;      // none: the master's own
  std::vector<wire::ResourceLimit> limits;
  ReleaseDigest digest;
};

struct Release : ReleaseValues {
  os::OwnedFd directory;                       // O_PATH
  std::shared_ptr<const protocols::Protocol> protocol;

  [[nodiscard]] uid_t worker_uid() const;
  [[nodiscard]] ReleaseFacts facts() const;
};

struct ReleaseRequest {
  core::AppId app;
  core::ReleaseId id;
  const core::AppPlan& plan;                         // as the file says
  const ReleaseOverrides& overrides;
  std::span<const std::string> own_environment;      // of the master's own start: NAME=VALUE
  std::span<const BoundSocket> sockets;              // of all listeners
  std::string folder;                                // of the file, absolute: what a relative cwd is relative to
};

// What an app's hook runs in before there is a release: user, environment, directory and limits of the release that is
// to come, as far as they can be known; `command` is the hook's. A target that is not there yet is no error.
[[nodiscard]] std::expected<std::shared_ptr<const Release>, std::string> make_hook_release(
    const ReleaseRequest& request);

// The error names app, key and path: "web: target /srv/x: Permission denied".
[[nodiscard]] std::expected<std::shared_ptr<const Release>, std::string> make_release(const ReleaseRequest& request);

}  // namespace liveswap::master
