#include "master/composition.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <optional>
#include <utility>
#include <vector>

#include "config/directories.hpp"
#include "master/instance.hpp"
#include "master/own_programs.hpp"
#include "master/service_report.hpp"
#include "os/cgroup.hpp"
#include "os/descriptor_limit.hpp"
#include "os/own_environment.hpp"
#include "os/pidfd.hpp"
#include "os/signals.hpp"

namespace liveswap::master {
namespace {

// Who dies below us becomes ours, and signals come by descriptor, before the first worker is there.
std::expected<std::optional<os::SignalFd>, os::Error> take_signals(const ProcessRights& rights) {
  if (rights.orphans) {
    if (const auto subreaper = os::set_child_subreaper(); !subreaper) return std::unexpected(subreaper.error());
  }
  std::vector<int> signals;
  if (rights.signals) signals = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};
  if (rights.orphans) signals.push_back(SIGCHLD);
  if (signals.empty()) return std::nullopt;
  return os::SignalFd::open(signals);
}

// Only what systemd has delegated to us. Elsewhere the workers' processes are found without: a process that
// moves into a cgroup waits for milliseconds, and the whole machine's forks wait with it.
std::string cgroup_of_workers() {
  const auto own = os::own_cgroup();
  const bool ours = own && os::runs_under_systemd() && os::check_cgroup_is_ours(*own, true);
  return ours ? *own : std::string();
}

// Below this not even the reason could be told: the loop has no descriptor to be made of.
std::expected<void, std::string> check_descriptors(const core::MasterPlan& plan) {
  constexpr std::uint64_t kOwn = 32;        // loop, signals, lock, launcher, directories, output, control, clients
  constexpr std::uint64_t kOfAWorker = 12;  // channel, pidfd, output, notify socket, and what its launch takes
  std::uint64_t sockets = 0;
  for (const core::ListenerPlan& listener : plan.listeners) sockets += listener.addresses.size();
  const std::uint64_t needed = kOwn + sockets + kOfAWorker;
  const std::uint64_t spare = os::spare_descriptors(needed);
  if (spare == needed) return {};
  return std::unexpected(fmt::format(
      "RLIMIT_NOFILE leaves {} descriptors; {} are needed: {} for liveswap, {} for listening sockets, {} for each "
      "worker. Raise the hard limit (ulimit -Hn, LimitNOFILE= of systemd)",
      spare, needed, kOwn, sockets, kOfAWorker));
}

// The limit that was before; without more descriptors there can be fewer workers.
std::optional<os::DescriptorLimit> raise_descriptor_limit(const ProcessRights& rights) {
  if (!rights.descriptor_limit) return std::nullopt;
  const auto before = os::raise_descriptor_limit();
  return before ? std::optional(*before) : std::nullopt;
}

std::expected<ServiceManager, os::Error> connect_service_manager(const ProcessRights& rights) {
  const char* address = rights.service_manager ? ::getenv("NOTIFY_SOCKET") : nullptr;
  return ServiceManager::connect(address == nullptr ? "" : address);
}

// What an earlier master has kept under that key, at the guardian; not valid: nothing.
os::OwnedFd take_left(Host& host, const KeepKey& key) {
  if (!host.guardian) return {};
  for (KeptDescriptor& kept : host.guardian->store) {
    if (kept.key == key) return std::move(kept.fd);
  }
  return {};
}

// The one that this master's predecessor had opened: a package's upgrade changes nothing under a running master.
std::expected<os::OwnedFd, std::string> launcher_program(Host& host) {
  auto left = take_left(host, kLauncherKey);
  if (left && !host.in_place) return left;
  return open_launcher_program(host.launcher);
}

}  // namespace

std::expected<Master::Parts, std::string> make_parts(core::MasterPlan plan, config::Facts facts,
                                                     Host host) {
  const ProcessRights& rights = host.rights;
  const auto descriptor_limit = raise_descriptor_limit(rights);
  if (const auto enough = check_descriptors(plan); !enough) return std::unexpected(enough.error());
  auto program = launcher_program(host);
  if (!program) return std::unexpected(program.error());
  auto launcher = Launcher::open(std::move(*program));
  if (!launcher) return std::unexpected(launcher.error().message());
  auto manager = connect_service_manager(rights);
  if (!manager) return std::unexpected(manager.error().message());
  auto signals = take_signals(rights);
  if (!signals) return std::unexpected(signals.error().message());
  auto instance = claim_instance(plan, config::Surroundings::of_this_process(), take_left(host, kLockKey));
  if (!instance) return std::unexpected(instance.error());
  const pid_t guardian = host.guardian ? host.guardian->hello.guardian : 0;
  std::optional<core::Duration> watchdog;
  if (rights.service_manager) {
    watchdog = watchdog_of(::getenv("WATCHDOG_USEC"), ::getenv("WATCHDOG_PID"), ::getpid(), guardian);
  }
  return Master::Parts{.plan = std::move(plan),
                       .facts = std::move(facts),
                       .environment = os::own_environment(),
                       .instance = std::move(*instance),
                       .launcher = std::move(*launcher),
                       .bind_library = find_bind_library(host.launcher),
                       .signals = std::move(*signals),
                       .service_manager = std::move(*manager),
                       .descriptor_limit = descriptor_limit,
                       .cgroup_parent = rights.cgroup ? cgroup_of_workers() : std::string(),
                       .guardian = std::move(host.guardian),
                       .guardian_programs = std::move(host.guardian_programs),
                       .guardian_notifies = host.guardian_notifies,
                       .replaces_guardian = host.in_place,
                       .watchdog = watchdog,
                       .left = std::move(host.left),
                       .take_line = {},
                       .ended = {}};
}

}  // namespace liveswap::master
