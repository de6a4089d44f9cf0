#include "master/worker_plan.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "config/environment.hpp"
#include "config/expand.hpp"
#include "protocols/environment.hpp"

namespace liveswap::master {
namespace {

constexpr const char* kOwnPrefix = "LIVESWAP_";

protocols::LaunchFacts facts_of(const Release& release, const WorkerTraits& worker,
                                std::span<const BoundSocket> sockets) {
  protocols::LaunchFacts facts;
  facts.app = release.plan.name;
  facts.slot = worker.ids.slot;
  facts.generation = worker.ids.generation.value;
  facts.release = worker.ids.release.value;
  facts.worker = worker.mark;
  facts.worker_number = worker.ids.worker.value;
  facts.notify_socket = worker.notify_socket;
  facts.master_pid = ::getpid();
  facts.watchdog = release.plan.policy.watchdog;
  facts.listen_pid = release.plan.listen_pid;
  facts.inherit_as = release.plan.inherit_as;
  if (!release.protocol->hands_sockets()) return facts;
  int number = release.plan.first_descriptor();
  for (const BoundSocket& socket : sockets) facts.sockets.push_back(handed(socket, number++));
  return facts;
}

config::Values values_of(const Release& release, const WorkerTraits& worker) {
  config::Values values;
  values.slot = worker.ids.slot;
  values.generation = worker.ids.generation.value;
  values.release = worker.ids.release.value;
  values.target = release.target;
  values.sockets = release.sockets;
  values.environment = &release.environment;
  return values;
}

std::expected<std::vector<std::string>, std::string> expand_words(std::span<const config::EnvValue> words,
                                                                  const config::Values& values) {
  std::vector<std::string> expanded;
  for (const config::EnvValue& word : words) {
    if (!word.per_worker) {
      expanded.push_back(word.text);
      continue;
    }
    auto text = config::expand(word.text, values);
    if (!text) return std::unexpected(std::move(text.error()));
    expanded.push_back(std::move(*text));
  }
  return expanded;
}

// All but what a program and a ready command differ in. The directory is the first descriptor that is sent.
std::expected<PreparedLaunch, std::string> prepare(const Release& release, const WorkerTraits& worker,
                                                   std::span<const config::EnvValue> words) {
  const config::Values values = values_of(release, worker);
  auto arguments = expand_words(words, values);
  if (!arguments) return std::unexpected("command: " + arguments.error());
  auto variables = config::worker_environment(release.worker_variables, values);
  if (!variables) return std::unexpected(std::move(variables.error()));
  PreparedLaunch prepared;
  prepared.plan.program = arguments->front();
  prepared.plan.arguments = std::move(*arguments);
  prepared.plan.variables = release.variables;
  std::ranges::move(*variables, std::back_inserter(prepared.plan.variables));
  prepared.plan.directory = 0;
  prepared.plan.directory_text = release.directory_path;
  prepared.plan.limits = release.limits;
  prepared.plan.identity = release.identity;
  prepared.descriptors = {release.directory};
  return prepared;
}

// The last word is liveswap's: of a variable that is there twice, a program reads the first.
void set_variable(wire::LaunchPlan& plan, const std::string& name, const std::string& value) {
  const std::string start = name + "=";
  std::erase_if(plan.variables, [&](const std::string& variable) { return variable.starts_with(start); });
  plan.variables.push_back(start + value);
}

void preload(wire::LaunchPlan& plan, const std::string& library) {
  constexpr std::string_view kStart = "LD_PRELOAD=";
  const auto known = std::ranges::find_if(
      plan.variables, [&](const std::string& variable) { return variable.starts_with(kStart); });
  const std::string before = known == plan.variables.end() ? "" : known->substr(kStart.size());
  set_variable(plan, "LD_PRELOAD", before.empty() ? library : before + ":" + library);
}

void place(PreparedLaunch& launch, os::FdRef fd, int number) {
  const auto source = static_cast<std::uint32_t>(launch.descriptors.size());
  launch.plan.placements.push_back({source, static_cast<std::uint32_t>(number)});
  launch.descriptors.push_back(fd);
}

}  // namespace

void give_input(PreparedLaunch& launch, os::FdRef fd) {
  place(launch, fd, STDIN_FILENO);
  launch.plan.descriptors = static_cast<std::uint32_t>(launch.descriptors.size());
}

void join_cgroup(PreparedLaunch& launch, os::FdRef procs) {
  launch.plan.cgroup = launch.plan.descriptors++;
  launch.descriptors.push_back(procs);
}

void limit_descriptors(PreparedLaunch& launch, const os::DescriptorLimit& limit) {
  auto& limits = launch.plan.limits;
  if (std::ranges::find(limits, RLIMIT_NOFILE, &wire::ResourceLimit::resource) != limits.end()) return;
  limits.push_back({RLIMIT_NOFILE, limit.soft, limit.hard});
}

std::expected<PreparedLaunch, std::string> prepare_worker(const Release& release, const WorkerTraits& worker,
                                                          std::span<const BoundSocket> sockets,
                                                          const std::optional<BoundSocket>& standard_input,
                                                          std::span<const std::unique_ptr<WorkerLink>> links) {
  if (!release.protocol->hands_sockets()) sockets = {};
  auto prepared = prepare(release, worker, release.command);
  if (!prepared) return prepared;
  if (release.program) prepared->plan.program = *release.program;
  const protocols::LaunchFacts facts = facts_of(release, worker, sockets);
  const protocols::Environment own = release.protocol->environment(facts);
  for (const auto& [name, value] : own.variables) set_variable(prepared->plan, name, value);
  prepared->plan.pid_variables = own.pid_variables;
  if (standard_input) place(*prepared, standard_input->fd, STDIN_FILENO);
  int free = release.plan.first_descriptor();
  for (const BoundSocket& socket : sockets) place(*prepared, socket.fd, free++);
  if (const auto channel = release.protocol->channel_number(facts)) {
    prepared->plan.channel_target = static_cast<std::uint32_t>(*channel);
    free = *channel + 1;
  }
  for (const auto& link : links) {
    const LinkGift gift = link->gift(free);
    for (const auto& [name, value] : gift.variables) set_variable(prepared->plan, name, value);
    if (!gift.library.empty()) preload(prepared->plan, gift.library);
    for (const LinkGift::Descriptor& descriptor : gift.descriptors) {
      place(*prepared, descriptor.fd, descriptor.number);
      if (descriptor.number == free) ++free;
    }
  }
  prepared->plan.descriptors = static_cast<std::uint32_t>(prepared->descriptors.size());
  return prepared;
}

namespace {

std::expected<PreparedLaunch, std::string> prepare_beside(const Release& release, const WorkerTraits& worker,
                                                          std::span<const config::EnvValue> words) {
  auto prepared = prepare(release, worker, words);
  if (!prepared) return prepared;
  for (const auto& [name, value] : protocols::common_environment(facts_of(release, worker, {})).variables) {
    if (name.starts_with(kOwnPrefix)) set_variable(prepared->plan, name, value);
  }
  prepared->plan.descriptors = 1;
  return prepared;
}

}  // namespace

std::expected<PreparedLaunch, std::string> prepare_ready_command(const Release& release, const WorkerTraits& worker) {
  return prepare_beside(release, worker, release.ready_command);
}

std::expected<PreparedLaunch, std::string> prepare_hook(
    const Release& release, const std::vector<std::pair<std::string, std::string>>& variables, os::FdRef input) {
  auto prepared = prepare(release, {}, release.command);
  if (!prepared) return prepared;
  for (const auto& [name, value] : variables) set_variable(prepared->plan, name, value);
  give_input(*prepared, input);
  return prepared;
}

std::expected<PreparedLaunch, std::string> prepare_message_command(const Release& release, const WorkerTraits& worker,
                                                                   pid_t pid, os::FdRef text) {
  auto prepared = prepare_beside(release, worker, release.message_command);
  if (!prepared) return prepared;
  set_variable(prepared->plan, "LIVESWAP_PID", std::to_string(pid));
  give_input(*prepared, text);
  return prepared;
}

}  // namespace liveswap::master
