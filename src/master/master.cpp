#include "master/master.hpp"

#include <unistd.h>

#include <fmt/ranges.h>

#include <filesystem>
#include <string_view>
#include <system_error>

#include "master/access.hpp"
#include "os/directory.hpp"

namespace liveswap::master {

namespace {

constexpr std::size_t kEventsRemembered = 1000;

core::Setup setup_of(const core::MasterPlan& plan) {
  core::Setup setup{.apps = {}, .on_start_failure = plan.on_start_failure, .shutdown = plan.shutdown};
  std::uint64_t number = 0;
  for (const core::AppPlan& app : plan.apps) setup.apps.push_back({core::AppId{++number}, app.name});
  return setup;
}

std::string own_binary() {
  constexpr std::string_view kReplaced = " (deleted)";  // as the kernel says it
  std::error_code unknown;
  std::string path = std::filesystem::read_symlink("/proc/self/exe", unknown).string();
  if (path.ends_with(kReplaced)) path.resize(path.size() - kReplaced.size());
  return path;
}

MasterFacts facts_of(const core::MasterPlan& plan, const Instance& instance) {
  return {.name = plan.name,
          .version = LIVESWAP_VERSION,
          .pid = ::getpid(),
          .since = std::chrono::system_clock::now(),
          .binary = own_binary(),
          .file = plan.file,
          .runtime_dir = instance.runtime_dir,
          .state_dir = instance.state_dir,
          .control_socket = instance.control_socket};
}

}  // namespace

Master::Master(loop::Loop& loop, Parts parts)
    : loop_(loop),
      plan_(std::move(parts.plan)),
      config_facts_(std::move(parts.facts)),
      environment_(std::move(parts.environment)),
      instance_(std::move(parts.instance)),
      facts_(facts_of(plan_, instance_)),
      output_(loop, os::FdRef(STDOUT_FILENO), os::FdRef(STDERR_FILENO), std::move(parts.take_line)),
      log_(plan_.log_level, plan_.log_format, [this](std::string_view line) { output_.add_own(line); }),
      service_manager_(std::move(parts.service_manager)),
      listeners_(loop, [this](core::Event event) { post(std::move(event)); }, keeper_),
      on_demand_(listeners_),
      program_sockets_(listeners_, on_demand_),
      launcher_(std::move(parts.launcher)),
      workers_({.loop = loop,
                .launcher = launcher_,
                .output = output_,
                .log = log_,
                .post = [this](core::Event event) { post(std::move(event)); },
                .sockets_for = [this](const SocketUser& user, std::span<const std::string> names) {
                  return listeners_.sockets_for(user, names);
                },
                .leaving = [this](const core::Spawn& ids) { listeners_.leaving(ids.app, ids.worker); },
                .starved = [this](const core::Spawn& ids) { return listeners_.starved(ids.app, ids.worker); },
                .left = [this](core::WorkerId worker) { listeners_.left(worker); },
                .sockets_used_by = [this](core::AppId app) { return listeners_.sockets_used_by(app); },
                .own_sockets_of =
                    [this](const core::Spawn& ids) { return listeners_.own_sockets_of(ids.app, ids.worker); },
                .server_for = [this](const ServerRequest& request) { return on_demand_.socket_for(request); },
                .server_data = [this](core::AppId app, const std::string& key, const std::string& offered) {
                  return on_demand_.shared_data(app, key, offered);
                },
                .adopt =
                    [this](const SocketUser& user, const core::AppPlan& plan, std::vector<AdoptedSocket> sockets) {
                      return on_demand_.adopt(user, plan, std::move(sockets));
                    },
                .program_sockets = &program_sockets_,
                .bind_library = std::move(parts.bind_library),
                .runtime_dir = instance_.runtime_dir,
                .own_streams = {os::FdRef(STDOUT_FILENO), os::FdRef(STDERR_FILENO)},
                .cgroup_parent = std::move(parts.cgroup_parent),
                .descriptor_limit = parts.descriptor_limit,
                .worker_empty = [this](core::WorkerId worker) { post(core::WorkerEmpty{worker}); },
                .keeper = &keeper_,
                .takes_over = parts.left.has_value()}),
      listener_holders_(loop, {.is_main =
                                   [this](pid_t pid) {
                                     return pid == facts_.guardian || workers_.children().knows(pid);
                                   },
                               .living = [this] { return workers_.processes(); },
                               .found = [this](const HoldersFound& found) { tell_holders(found); }}),
      hooks_({.loop = loop,
              .launcher = launcher_,
              .children = workers_.children(),
              .output = output_,
              .descriptor_limit = parts.descriptor_limit},
             [this](core::HookEnded event) { hook_ended(std::move(event)); }),
      away_timer_(loop, [this] { give_up_left(); }),
      events_(kEventsRemembered),
      core_(std::make_unique<core::Core>(setup_of(plan_))),
      service_report_(loop, plan_,
                      {.send = report_sender(parts),
                       .snapshot = [this] { return core_->snapshot(); },
                       .problem = [this](std::string_view text) { log_.warn(text); },
                       .watchdog = parts.watchdog}),
      draining_(loop, [this] { drain_inbox(); }),
      deadline_(loop, [this] { post(core::TimePassed{}); }),
      greeting_(std::move(parts.guardian)),
      guardian_programs_(std::move(parts.guardian_programs)),
      left_(std::move(parts.left)),
      guardian_notifies_(parts.guardian_notifies),
      replaces_guardian_(parts.replaces_guardian),
      guardian_again_(loop, [this] { start_guardian(); }),
      reexec_(loop, [this] { become_another(); }),
      signals_(std::move(parts.signals)),
      ended_(std::move(parts.ended)) {}

// None: nobody wants to know.
std::function<os::Result<void>(const wire::guard::Notify&)> Master::report_sender(const Parts& parts) {
  if (!parts.guardian_notifies && !service_manager_.listens()) return {};
  return [this](const wire::guard::Notify& what) { return notify(what); };
}

Master::~Master() {
  keeper_.on_change({});
  keeper_.replace({});  // the guardian's link goes first
}

std::expected<void, std::string> Master::begin() {
  auto rules = AccessRules::resolve(plan_.control, ::geteuid());
  if (!rules) return std::unexpected(rules.error());
  if (signals_) {
    auto watch = loop::FdWatch::open(loop_, signals_->fd(), {.readable = true},
                                     [this](loop::Readiness) { read_signals(); });
    if (!watch) return std::unexpected(watch.error().message());
    signal_watch_ = std::move(*watch);
  }
  if (auto met = meet_guardian(); !met) return met;
  const auto left = std::exchange(left_, std::nullopt);
  if (left) {
    if (auto taken = take_over(*left); !taken) return taken;
  } else if (const auto bound = listeners_.bind(plan_); !bound) {
    return std::unexpected(fmt::format("{}", fmt::join(bound.error(), "\n")));
  }
  if (auto opened = open_tcp_control(*rules); !opened) return opened;
  auto control = ControlServer::open(loop_, *this, log_, instance_.control_socket, *rules, keeper_);
  if (!control) return std::unexpected(control.error());
  control_ = std::move(*control);
  serving_ = std::make_unique<Serving>(listeners_, plan_, log_);
  if (const auto serving = serving_->open(loop_, log_, plan_.serve, *rules, keeper_); !serving) {
    return std::unexpected(serving.error());
  }
  log_.info(fmt::format("{} {} runs as PID {}, control socket {}", facts_.name, facts_.version, facts_.pid,
                        facts_.control_socket));
  if (tcp_control_) log_.info(fmt::format("control by TCP on {}", tcp_control_->address().text()));
  if (left) {
    go_on(*left);
    const std::size_t workers = workers_.count();
    log_.info(fmt::format("took over from the master before: {} worker{} run{} on", workers, workers == 1 ? "" : "s",
                          workers == 1 ? "s" : ""));
  } else {
    post(core::Begun{});
  }
  service_report_.begin();
  drop_what_is_left();
  if (guardian_) guardian_->say_established();
  if (guardian_ && guardian_programs_ && replaces_guardian_) guardian_->replace_guardian(guardian_programs_->guardian);
  return {};
}

std::expected<void, std::string> Master::open_tcp_control(const AccessRules& rules) {
  if (!plan_.control.tcp) return {};
  auto opened = TcpControl::open(loop_, *this, log_, rules, {*plan_.control.tcp, config_facts_.working_directory},
                                 keeper_);
  if (!opened) return std::unexpected(opened.error());
  tcp_control_ = std::move(*opened);
  return {};
}

void Master::finish_output(std::chrono::milliseconds patience) {
  output_.finish(patience, [this](std::uint64_t lines) {
    log_.warn(fmt::format("{} line{} of standard output could not be written", lines, lines == 1 ? "" : "s"));
  });
}

void Master::post(core::Event event) {
  note_event(event);
  inbox_.push_back(std::move(event));
  draining_.schedule();
}

// An action may be answered at once, by an event that is then behind all that came before it. What is to be done is
// written down before it is begun, and what was done, if anything was, before its workers' programs run: whenever this
// process dies, the next one knows what was decided.
void Master::drain_inbox() {
  in_turn_ = true;
  bool somebody_exited = false, performed = false;
  while (!inbox_.empty()) {
    actions_.clear();
    for (core::Event& event : std::exchange(inbox_, {})) {
      // Any worker may have called listen(2) since it got ready, with a backlog of its own, and nothing tells of that:
      // its end is a moment at which the master is awake anyway.
      somebody_exited = somebody_exited || std::holds_alternative<core::WorkerExited>(event);
      core_->step(now(), event, actions_);
    }
    write_state();
    performed = performed || !actions_.empty();
    perform_all();
  }
  if (somebody_exited) reassert_listeners();  // once for all that ended in this turn
  actions_.clear();
  if (performed || kept_changed_) write_state();
  keeper_.settle();
  workers_.let_run();
  in_turn_ = false;
  follow_deadline();
}

// What a master that dies just then has begun is not done again by the next one, but for answers: to hear one twice
// does no harm, and to hear none would.
void Master::perform_all() {
  std::uint64_t performed = 0;
  for (const core::Action& action : actions_) {
    const bool twice_is_better = std::holds_alternative<core::Answer>(action);
    if (state_ && !twice_is_better) state_->set_performed(performed + 1);
    std::visit([this](const auto& asked) { perform(asked); }, action);
    ++performed;
    if (state_ && twice_is_better) state_->set_performed(performed);
  }
}

void Master::follow_deadline() {
  const core::Time next = core_->next_deadline();
  if (next == core::kNever) {
    deadline_.stop();
  } else {
    deadline_.start_at(next.time_since_epoch());
  }
  follow_left();
}

core::AppPlan& Master::app_plan(core::AppId app) { return plan_.apps.at(app.value - 1); }

std::string Master::app_name(core::AppId app) const { return app ? plan_.apps.at(app.value - 1).name : std::string(); }

}  // namespace liveswap::master
