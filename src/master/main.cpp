// liveswap: the master's start and end.
#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "config/describe.hpp"
#include "config/diagnostic.hpp"
#include "config/directories.hpp"
#include "config/load.hpp"
#include "config/target_plan.hpp"
#include "master/check_environment.hpp"
#include "master/instance.hpp"
#include "master/own_programs.hpp"
#include "master/master.hpp"
#include "master/options.hpp"
#include "os/cgroup.hpp"
#include "os/descriptor_limit.hpp"
#include "os/file.hpp"
#include "os/pidfd.hpp"
#include "os/users.hpp"

namespace {

using namespace liveswap;

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;

// Whoever starts us without one of them would have it be the number of something of ours, and written to.
void open_standard_streams() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (::fcntl(number, F_GETFD) == -1) (void)::open("/dev/null", O_RDWR);  // takes the lowest number: this one
  }
}

int complain(int status, const std::string& problem) {
  fmt::print(stderr, "liveswap: {}\n", problem);
  return status;
}

// What liveswap was only asked to print.
int print(const std::string& text) {
  const auto written = os::write_all(os::FdRef(STDOUT_FILENO), "standard output", text);
  if (written) return 0;
  if (written.error().code == EPIPE) return kFailed;  // who has closed the pipe wanted no more
  return complain(kFailed, "write error: " + os::errno_text(written.error().code));
}

// liveswapctl in our place: what it prints and how it ends is the answer.
int give_order(const std::vector<std::string>& words) {
  const auto client = master::find_client_program();
  if (!client) return complain(kFailed, client.error());
  std::vector<char*> argv{const_cast<char*>("liveswapctl")};
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  ::execv(client->c_str(), argv.data());
  return complain(kFailed, os::fail("exec", *client).error().message());
}

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  return variables;
}

config::TargetRequest target_request(const master::Options& options) {
  return {.target = options.target,
          .head = options.head,
          .workers = options.forks,
          .listeners = options.listeners,
          .arguments = options.arguments,
          .name = options.name,
          .control = options.control,
          .overlap = options.overlap,
          .pre_upgrade = options.pre_upgrade,
          .port = options.port,
          .address = options.address};
}

// The plan, or nothing: what is wrong has been said.
std::optional<core::MasterPlan> load_plan(const master::Options& options, const config::Facts& facts) {
  if (options.by_target()) {
    auto plan = config::plan_for_target(target_request(options), facts);
    if (plan) return std::move(*plan);
    for (const std::string& problem : plan.error()) complain(kBadUsage, problem);
    return std::nullopt;
  }
  auto loaded = config::load_file(options.file, facts);
  if (!loaded) {
    fmt::print(stderr, "{}", config::render(loaded.error()));
    return std::nullopt;
  }
  fmt::print(stderr, "{}", config::render(loaded->warnings));
  return std::move(loaded->plan);
}

// What must be so before the first worker: who dies below us becomes ours, and signals come by descriptor.
std::expected<os::SignalFd, os::Error> prepare_process() {
  ::signal(SIGPIPE, SIG_IGN);
  if (const auto subreaper = os::set_child_subreaper(); !subreaper) return std::unexpected(subreaper.error());
  return os::SignalFd::open({SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD});
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

std::expected<master::Master::Parts, std::string> make_parts(core::MasterPlan plan, config::Facts facts) {
  const auto descriptor_limit = os::raise_descriptor_limit();  // without it there can be fewer workers
  if (const auto enough = check_descriptors(plan); !enough) return std::unexpected(enough.error());
  auto signals = prepare_process();
  if (!signals) return std::unexpected(signals.error().message());
  const config::Surroundings surroundings = config::Surroundings::of_this_process();
  auto program = master::open_launcher_program();
  if (!program) return std::unexpected(program.error());
  auto launcher = master::Launcher::open(std::move(*program));
  if (!launcher) return std::unexpected(launcher.error().message());
  const char* notify_socket = ::getenv("NOTIFY_SOCKET");
  auto manager = master::ServiceManager::connect(notify_socket == nullptr ? "" : notify_socket);
  if (!manager) return std::unexpected(manager.error().message());
  auto instance = master::claim_instance(plan, surroundings);
  if (!instance) return std::unexpected(instance.error());
  return master::Master::Parts{.plan = std::move(plan),
                               .facts = std::move(facts),
                               .environment = own_environment(),
                               .instance = std::move(*instance),
                               .launcher = std::move(*launcher),
                               .signals = std::move(*signals),
                               .service_manager = std::move(*manager),
                               .descriptor_limit = descriptor_limit ? std::optional(*descriptor_limit) : std::nullopt,
                               .cgroup_parent = cgroup_of_workers()};
}

int run(core::MasterPlan plan, config::Facts facts) {
  auto parts = make_parts(std::move(plan), std::move(facts));
  if (!parts) return complain(kFailed, parts.error());
  loop::Loop loop;
  master::Master master(loop, std::move(*parts));
  if (const auto begun = master.begin(); !begun) return complain(kFailed, begun.error());
  ::malloc_trim(0);  // what reading the configuration took is not needed any more
  loop.run();
  master.finish_output();
  return master.exit_status();
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  auto options = master::parse_options({argv + 1, argv + argc});
  if (!options) return complain(kBadUsage, options.error() + "\nTry: liveswap --help");
  if (options->mode == master::Options::Mode::help) return print(master::help_text());
  if (options->mode == master::Options::Mode::order) return give_order(options->order);
  if (options->mode == master::Options::Mode::version) return print(fmt::format("liveswap {}\n", LIVESWAP_VERSION));
  config::Facts facts = config::facts_of_this_machine(os::find_user, os::find_group);
  auto plan = load_plan(*options, facts);
  if (!plan) return kBadUsage;
  if (options->mode == master::Options::Mode::check) {
    return print(config::describe(*plan, facts, master::variables_of_first_worker));
  }
  return run(std::move(*plan), std::move(facts));
}
