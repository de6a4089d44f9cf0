// liveswap: the master's start and end.
#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>

#include "config/describe.hpp"
#include "config/diagnostic.hpp"
#include "config/load.hpp"
#include "config/target_plan.hpp"
#include "master/bind_way.hpp"
#include "master/check_environment.hpp"
#include "master/composition.hpp"
#include "master/guardian_link.hpp"
#include "master/guardian_start.hpp"
#include "master/master.hpp"
#include "master/master_state.hpp"
#include "master/options.hpp"
#include "master/own_programs.hpp"
#include "master/service_manager.hpp"
#include "master/state_store.hpp"
#include "os/file.hpp"
#include "os/users.hpp"

namespace {

using namespace liveswap;

constexpr int kFailed = 1;
constexpr int kBadUsage = 2;
constexpr std::chrono::milliseconds kOutputPatience{500};  // with who reads slowly, at the end

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
    // Whoever typed the bare name may not know yet that a file is looked for.
    if (options.file == master::kDefaultFile && ::access(master::kDefaultFile, F_OK) != 0 && errno == ENOENT)
      fmt::print(stderr, "Try: liveswap -s TARGET, which needs no file, or liveswap --help\n");
    return std::nullopt;
  }
  fmt::print(stderr, "{}", config::render(loaded->warnings));
  return std::move(loaded->plan);
}

// What this master is made of: as the options say, or what an earlier one has left.
struct Beginning {
  std::optional<core::MasterPlan> plan;  // none: what is wrong has been said
  std::optional<master::SavedState> left;
};

// The state of an earlier master, where there is one that can be read.
std::optional<Beginning> follow(const master::Greeting& greeting) {
  const auto boot = master::own_boot_id();
  if (!boot || !greeting.hello.successor || greeting.hello.without_state) return std::nullopt;
  auto saved = master::read_left_state(greeting.store, *boot);
  if (!saved) return std::nullopt;
  if (!*saved) {
    complain(kFailed, "the state of the master before cannot be used: " + saved->error().message());
    return std::nullopt;
  }
  auto lasting = master::read_lasting(**saved);
  if (!lasting) {
    complain(kFailed, "the state of the master before cannot be used: " + lasting.error());
    return std::nullopt;
  }
  return Beginning{std::move(lasting->plan), std::move(**saved)};
}

Beginning begin(const master::Options& options, const config::Facts& facts, const master::Greeting* greeting) {
  if (greeting != nullptr) {
    if (auto followed = follow(*greeting)) return std::move(*followed);
    if (greeting->hello.successor) {
      complain(kFailed, "starting without the state of the master before, by the configuration as it is now");
    }
  }
  return {load_plan(options, facts), std::nullopt};
}

int run(core::MasterPlan plan, config::Facts facts, master::Host host) {
  ::signal(SIGPIPE, SIG_IGN);
  auto parts = master::make_parts(std::move(plan), std::move(facts), std::move(host));
  if (!parts) return complain(kFailed, parts.error());
  loop::Loop loop;
  parts->ended = [&loop] { loop.stop(); };
  master::Master master(loop, std::move(*parts));
  if (const auto begun = master.begin(); !begun) return complain(kFailed, begun.error());
  ::malloc_trim(0);  // what reading the configuration took is not needed any more
  loop.run();
  master.finish_output(kOutputPatience);
  return master.exit_status();
}

// Started by a guardian, or with none.
int run_as_master(const master::Options& options, std::optional<os::OwnedFd> channel,
                  std::optional<master::GuardianPrograms> programs) {
  master::Host host{.rights = ProcessRights::all(), .launcher = ""};
  if (channel) {
    ::prctl(PR_SET_NAME, "liveswap");  // it was executed by a descriptor, which has no name
    const pid_t before = master::take_guardian_of_before();
    auto greeting = before == 0 ? master::greet_guardian(std::move(*channel))
                                : master::ask_guardian(std::move(*channel));
    if (!greeting) return complain(kFailed, "the guardian: " + greeting.error().message());
    if (before != 0) {
      greeting->hello.successor = true;
      greeting->hello.guardian = before;
      host.in_place = true;
    }
    host.guardian = std::move(*greeting);
    host.guardian_programs = std::move(programs);
    host.guardian_notifies = master::take_guardian_notifies();
  }
  config::Facts facts = config::facts_of_this_machine(os::find_user, os::find_group);
  auto beginning = begin(options, facts, host.guardian ? &*host.guardian : nullptr);
  if (!beginning.plan) return kBadUsage;
  host.left = std::move(beginning.left);
  return run(std::move(*beginning.plan), std::move(facts), std::move(host));
}

// Whether this binary could go on with the state of a master that runs, and has all that it needs.
int check_state(const std::string& path) {
  if (const auto launcher = master::open_launcher_program(""); !launcher) return complain(kFailed, launcher.error());
  const os::OwnedFd file{os::adopt, ::open(path.c_str(), O_RDWR | O_CLOEXEC)};
  if (!file) return complain(kFailed, os::fail("open", path).error().message());
  const auto boot = master::own_boot_id();
  if (!boot) return complain(kFailed, boot.error().message());
  const auto saved = master::StateImage::read(file, *boot);
  if (!saved) return complain(kFailed, "the state cannot be used: " + saved.error().message());
  const auto lasting = master::read_lasting(*saved);
  const auto passing = master::read_passing(*saved);
  if (!lasting) return complain(kFailed, "the state cannot be used: " + lasting.error());
  if (!passing) return complain(kFailed, "the state cannot be used: " + passing.error());
  return print(fmt::format("liveswap {}\n", LIVESWAP_VERSION));
}

int check(const master::Options& options) {
  config::Facts facts = config::facts_of_this_machine(os::find_user, os::find_group);
  const auto plan = load_plan(options, facts);
  if (!plan) return kBadUsage;
  facts.seccomp_problem = master::seccomp_problem;
  return print(config::describe(*plan, facts, master::variables_of_first_worker));
}

// Becomes the guardian, which runs this program again; where it cannot, the service comes first.
int start(const master::Options& options, std::span<char* const> arguments) {
  auto channel = master::take_guardian_channel();
  const char* service_manager = ::getenv("NOTIFY_SOCKET");
  if (service_manager != nullptr) {
    const auto reached = master::ServiceManager::connect(service_manager);
    if (!reached) return complain(kFailed, reached.error().message());
  }
  if (!channel && !options.guardian) return run_as_master(options, std::nullopt, std::nullopt);
  auto programs = master::open_guardian_programs(arguments);
  if (channel) {
    return run_as_master(options, std::move(channel), programs ? std::optional(std::move(*programs)) : std::nullopt);
  }
  const std::string problem = programs ? master::become_guardian(*programs).message() : programs.error().message();
  complain(kFailed, "no guardian: " + problem + "; going on without one, as with --no-guardian");
  return run_as_master(options, std::nullopt, std::nullopt);
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  auto options = master::parse_options({argv + 1, argv + argc});
  if (!options) return complain(kBadUsage, options.error() + "\nTry: liveswap --help");
  if (options->mode == master::Options::Mode::help) return print(master::help_text());
  if (options->mode == master::Options::Mode::order) return give_order(options->order);
  if (options->mode == master::Options::Mode::version) return print(fmt::format("liveswap {}\n", LIVESWAP_VERSION));
  if (options->check_state) return check_state(*options->check_state);
  if (options->mode == master::Options::Mode::check) return check(*options);
  return start(*options, {argv, static_cast<std::size_t>(argc)});
}
