#include "master/instance.hpp"

#include <fmt/format.h>

#include <utility>

#include "os/directory.hpp"

namespace liveswap::master {

namespace {

// Others may look into root's runtime directory for the control socket, which has rules of its own.
mode_t mode_of_runtime_dir(const config::Surroundings& surroundings) { return surroundings.uid == 0 ? 0755 : 0700; }

std::string taken_by(const core::MasterPlan& plan, const os::LockAttempt& attempt, const std::string& path) {
  if (attempt.holder == 0) {
    return fmt::format("another master called \"{}\" is running ({} is locked)", plan.name, path);
  }
  return fmt::format("a master called \"{}\" is running already: PID {} ({} is locked)", plan.name,
                     attempt.holder, path);
}

}  // namespace

std::expected<Instance, std::string> claim_instance(const core::MasterPlan& plan,
                                                    const config::Surroundings& surroundings, os::OwnedFd lock) {
  std::string runtime_dir = config::runtime_dir(plan, surroundings);
  auto directory = os::open_private_directory(runtime_dir, mode_of_runtime_dir(surroundings));
  if (!directory) return std::unexpected("runtime_dir: " + directory.error().message());
  const std::string lock_path = runtime_dir + "/lock";
  auto attempt = lock ? os::keep_lock(std::move(lock)) : os::take_lock(lock_path);
  if (!attempt) return std::unexpected(attempt.error().message());
  if (!attempt->lock) return std::unexpected(taken_by(plan, *attempt, lock_path));
  std::string control_socket = config::control_socket(plan, surroundings);
  auto link = ControlLink::make(runtime_dir, control_socket);
  if (!link) return std::unexpected("runtime_dir: " + link.error().message());
  return Instance{.runtime_dir = std::move(runtime_dir),
                  .state_dir = config::state_dir(plan, surroundings),
                  .control_socket = std::move(control_socket),
                  .runtime_fd = std::move(*directory),
                  .lock = std::move(*attempt->lock),
                  .link = std::move(*link)};
}

}  // namespace liveswap::master
