#include "master/worker_process.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "master/bind_way.hpp"
#include "os/memfd.hpp"
#include "os/reach.hpp"

namespace liveswap::master {
namespace {

core::ExitStatus core_status(const os::ExitStatus& status) {
  using Kind = os::ExitStatus::Kind;
  return {status.kind == Kind::signaled, status.code, status.core, status.kind == Kind::unknown};
}

std::span<const std::string> standard_input_of(const core::AppPlan& plan) {
  if (!plan.stdin_listener) return {};
  return {&*plan.stdin_listener, 1};
}

}  // namespace

WorkerProcess::WorkerProcess(WorkerContext& context, const core::Spawn& ids, std::shared_ptr<const Release> release)
    : context_(context),
      ids_(ids),
      release_(std::move(release)),
      traits_{ids, context.mark_of(ids.worker), ""},
      keeper_(context.setup.keeper, ids.worker),
      output_(context.setup.loop, context.setup.output,
              {.source = {release_->plan.name, ids.slot, ids.generation},
               .mode = release_->plan.output,
               .own = context.setup.own_streams,
               .uid = release_->worker_uid(),
               .keeper = &keeper_}) {}

// One that still has processes in it stays, as they do.
WorkerProcess::~WorkerProcess() {
  if (cgroup_) (void)cgroup_->remove();
}

// ---- launch ----

void WorkerProcess::start() {
  if (auto begun = try_start(); !begun) {
    fail_launch(core::Reason::spawn_failed, std::move(begun.error()));
    if (!main_) end();
  }
}

// Where that fails it runs on as before, and is nobody's worker.
void WorkerProcess::adopt(Adoption adoption) {
  started_ = std::chrono::system_clock::now();
  auto adopted = context_.setup.adopt(user_of(*release_, ids_), release_->plan, std::move(adoption.sockets));
  if (!adopted) {
    fail_launch(core::Reason::adopt_failed, std::move(adopted.error()));
    return end();
  }
  auto main = watch_process(adoption.pid, std::move(adoption.pidfd));
  if (!main) {
    fail_launch(core::Reason::adopt_failed, main.error().message());
    return end();
  }
  main_ = std::move(*main);
  adopted_ = launched_ = true;
  on_running();
  become_ready();
}

std::expected<void, std::string> WorkerProcess::try_start() {
  if (auto opened = open_notify_socket(); !opened) return opened;
  open_binds();
  if (auto opened = open_links(); !opened) return opened;
  make_cgroup();
  const SocketUser user = user_of(*release_, ids_);
  const bool binds = release_->plan.protocol == core::Protocol::bind;  // it has none but those that it makes itself
  const auto names = binds ? std::span<const std::string>() : std::span(release_->plan.listeners);
  const auto sockets = context_.setup.sockets_for(user, names);
  if (!sockets) return std::unexpected(sockets.error());
  const auto inputs = context_.setup.sockets_for(user, standard_input_of(release_->plan));
  if (!inputs) return std::unexpected(inputs.error());
  const auto input = inputs->empty() ? std::nullopt : std::optional(inputs->front());
  auto prepared = prepare_worker(*release_, traits_, *sockets, input, links_);
  if (prepared && binds_ && !preloads_) {
    const core::AppPlan& plan = release_->plan;
    prepared->plan.filter = {.watch_unlink = context_.setup.program_sockets->has_paths(ids_.app, plan),
                             .deny_io_uring = plan.io_uring == core::IoUring::deny};
  }
  auto launched = launch(std::move(prepared), OutputUser::program, Launcher::When::when_told);
  if (!launched) return std::unexpected(std::move(launched.error()));
  for (const auto& link : links_) link->given();
  started_ = std::chrono::system_clock::now();
  session_ = launched->pid;  // the launcher begins one
  auto watched = watch(std::move(*launched));
  if (!watched) return std::unexpected(watched.error().message());
  return {};
}

void WorkerProcess::let_run() {
  if (std::exchange(launched_, true) || !channel_) return;
  (void)channel_->let_go();  // a launcher that has gone has said why, or its end will
}

bool WorkerProcess::can_reach_runtime_dir() const {
  const auto& identity = release_->identity;
  if (!identity) return true;
  std::vector<gid_t> groups(identity->groups.begin(), identity->groups.end());
  groups.push_back(identity->gid);
  return os::can_search(context_.setup.runtime_dir, identity->uid, groups);
}

WorkerAddress WorkerProcess::socket_address(std::string_view suffix) const {
  const auto number = ids_.worker.value;
  WorkerAddress address{"", fmt::format("@liveswap-{}-{}{}", context_.token, number, suffix)};
  if (can_reach_runtime_dir()) {
    address.path = fmt::format("{}/worker-{}{}.sock", context_.setup.runtime_dir, number, suffix);
  }
  return address;
}

std::expected<void, std::string> WorkerProcess::open_notify_socket() {
  auto notify = NotifySocket::open(
      context_.setup.loop, socket_address(""), release_->worker_uid(), notify_handlers());
  if (!notify) return std::unexpected(notify.error().message());
  notify_ = std::move(*notify);
  notify_->kept_as(keeper_.keep(KeepRole::worker_notify, notify_->fd()));
  traits_.notify_socket = notify_->address();
  return {};
}

NotifySocket::Handlers WorkerProcess::notify_handlers() {
  return {.said =
              [this](std::string_view text, std::size_t fds) {
                on_said(release_->protocol->from_notification(text, fds));
              },
          .problem = [this](std::string_view text) { tell_problem(text); }};
}

std::expected<void, std::string> WorkerProcess::open_links(std::optional<std::vector<LinkState>> left) {
  auto links = make_links({.context = context_,
                           .ids = ids_,
                           .release = release_,
                           .address = [this](std::string_view suffix) { return socket_address(suffix); },
                           .preloaded = preloads_ ? binds_.get() : nullptr,
                           .left = std::move(left)},
                          {.said = [this](const std::vector<protocols::WorkerEvent>& events) { on_said(events); },
                           .problem = [this](std::string_view text) { tell_problem(text); },
                           .keeper = &keeper_});
  if (!links) return std::unexpected(std::move(links.error()));
  links_ = std::move(*links);
  return {};
}

// What was sent before the end still counts.
void WorkerProcess::close_links() {
  for (const auto& link : links_) link->finish();
  links_.clear();
}

void WorkerProcess::make_cgroup() {
  if (context_.setup.cgroup_parent.empty()) return;
  auto made = os::Cgroup::create(context_.setup.cgroup_parent,
                                 fmt::format("liveswap-{}-{}", context_.token, ids_.worker.value));
  if (made) {
    cgroup_ = std::move(*made);
  } else {
    tell_problem("has no cgroup of its own: " + made.error().message());
  }
}

std::expected<LaunchedProcess, std::string> WorkerProcess::launch(
    std::expected<PreparedLaunch, std::string> prepared, OutputUser user, Launcher::When when) {
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  const auto ends = output_.open(user);
  if (!ends) return std::unexpected(ends.error().message());
  auto procs = cgroup_ ? cgroup_->open_procs() : os::OwnedFd();
  if (!procs) return std::unexpected(procs.error().message());
  if (cgroup_) join_cgroup(*prepared, *procs);
  if (context_.setup.descriptor_limit) limit_descriptors(*prepared, *context_.setup.descriptor_limit);
  auto launched = context_.setup.launcher.start(prepared->plan, prepared->descriptors, ends->streams, when);
  if (!launched) return std::unexpected(launched.error().message());
  return std::move(*launched);
}

os::Result<void> WorkerProcess::watch(LaunchedProcess launched) {
  auto main = watch_process(launched.pid, std::move(launched.pidfd));
  if (!main) {
    ::kill(launched.pid, SIGKILL);  // not reaped yet, so still this one
    return std::unexpected(main.error());
  }
  main_ = std::move(*main);
  main_changed();
  KeptPart part = keeper_.keep(KeepRole::worker_channel, launched.channel);
  auto channel = WorkerChannel::open(context_.setup.loop, std::move(launched.channel), keeps_channel(),
                                     channel_handlers(), std::move(part));
  if (!channel) {
    main_->signal(SIGKILL);
    return std::unexpected(channel.error());
  }
  channel_ = std::move(*channel);
  return {};
}

WorkerChannel::Handlers WorkerProcess::channel_handlers() {
  return {.running = [this] { on_running(); },
          .failed = [this](const std::string& text) { on_launch_failed(text); },
          .said =
              [this](std::span<const std::byte> packet, std::size_t fds) {
                on_said(release_->protocol->from_channel(packet, fds));
              },
          .filter = [this](os::OwnedFd notifier) { watch_filter(std::move(notifier)); }};
}

// Of what binds by itself: by which way, and who decides.
void WorkerProcess::open_binds() {
  const core::AppPlan& plan = release_->plan;
  if (plan.protocol != core::Protocol::bind || context_.setup.program_sockets == nullptr) return;
  const auto pids = [this] {
    std::vector<pid_t> numbers;
    for (const TreeMember& member : processes()) numbers.push_back(member.pid);
    return numbers;
  };
  binds_ = std::make_unique<BindWatch>(
      context_.setup.loop, *context_.setup.program_sockets, ids_, release_,
      BindWatch::Handlers{.listens = [this] { on_listens(); },
                          .problem = [this](std::string_view text) { tell_problem(text); },
                          .processes = pids});
  const BindWay way = bind_way(plan.bind_by);
  preloads_ = way.by == core::BindBy::preload;
  if (way.why.empty() || !context_.told_preload.insert(ids_.app).second) return;
  context_.setup.log.tell(core::LogLevel::warn, plan.name,
                          fmt::format("is seen to bind by preload, since seccomp cannot be used: {}", way.why));
}

void WorkerProcess::watch_filter(os::OwnedFd notifier) {
  if (!binds_) return;
  KeptPart part = keeper_.keep(KeepRole::worker_filter, notifier);
  auto calls = SeccompBinds::open(context_.setup.loop, {std::move(notifier), std::move(part)}, *binds_);
  if (calls) {
    seccomp_binds_ = std::move(*calls);
    return;
  }
  // Without anybody who answers, its calls would fail with ENOSYS.
  fail_launch(core::Reason::spawn_failed, "what it binds could not be seen to: " + calls.error().message());
  (void)signal_main(SIGKILL);
}

void WorkerProcess::main_changed() {
  if (status_file()) context_.process_changed(*status_file());
}

void WorkerProcess::on_running() {
  if (running_ || failed_) return;
  running_ = true;
  context_.setup.post(core::Launched{ids_.worker});
  begin_readiness();
}

void WorkerProcess::on_launch_failed(const std::string& text) {
  if (text.empty()) return;  // how it ended will say more
  fail_launch(core::Reason::exec_failed, text);
  (void)signal_main(SIGKILL);  // the launcher is leaving; a program that only says so must not stay
}

void WorkerProcess::fail_launch(core::Reason reason, std::string text) {
  if (std::exchange(failed_, true)) return;
  ready_delay_.reset();
  ready_check_.reset();
  context_.setup.post(core::LaunchFailed{ids_.worker, reason, std::move(text)});
}

// ---- orders ----

void WorkerProcess::starve() {
  if (!main_) return;
  if (!ready_) tell_if_unseen();  // it was waited for in vain
  context_.setup.leaving(ids_);
  context_.draining(ids_.worker);
  starving_ = watch_queues();
}

std::unique_ptr<QueueWatch> WorkerProcess::watch_queues() {
  return std::make_unique<QueueWatch>(
      context_.setup.loop, [this] { return context_.setup.starved(ids_); },
      [this] {
        starved_ = true;
        context_.starved(ids_.worker);
        context_.setup.post(core::WorkerStarved{ids_.worker});
      });
}

void WorkerProcess::drain(core::Duration timeout) {
  context_.draining(ids_.worker);
  const auto request = release_->protocol->drain(release_->plan.policy, timeout);
  if (const auto* signal = std::get_if<protocols::SendSignal>(&request)) {
    (void)signal_main(signal->signo);
    return;
  }
  if (std::holds_alternative<protocols::AskOnLink>(request)) {
    const bool asked = main_ && std::ranges::any_of(links_, [](const auto& link) { return link->ask_to_drain(); });
    if (main_ && !asked) tell_problem("cannot be asked to drain, since it has closed its channel");
    return;
  }
  if (!main_ || !channel_) return;
  if (auto sent = channel_->send(std::get<protocols::SendPacket>(request).packet); !sent) {
    tell_problem("cannot be asked to drain, since it has closed its channel: " + sent.error().message());
  }
}

bool WorkerProcess::signal_main(int signo) {
  if (!main_) return false;
  main_->signal(signo);
  return true;
}

// Only a program that runs is told: before that nobody listens.
void WorkerProcess::tell(std::string_view message, Reached reached) {
  if (!main_ || !running_) return reached(false);
  if (!release_->message_command.empty()) return hand_to_command(message, std::move(reached));
  reached(std::ranges::any_of(links_, [&](const auto& link) { return link->tell(message); }) ||
          tell_by_channel(message));
}

bool WorkerProcess::tell_by_channel(std::string_view message) {
  auto packet = release_->protocol->message(message);
  return packet && channel_ && !channel_->congested() && channel_->send(std::move(packet->packet)).has_value();
}

void WorkerProcess::hand_to_command(std::string_view message, Reached reached) {
  if (!message_command_) {
    const auto start = [this](std::string_view text) -> std::expected<LaunchedProcess, std::string> {
      const auto input = os::make_input_memfd("liveswap-message", text);
      if (!input) return std::unexpected(input.error().message());
      const pid_t pid = main_ ? main_->pid() : 0;
      return launch(prepare_message_command(*release_, traits_, pid, *input), OutputUser::message_command);
    };
    const auto problem = [this](std::string_view text) {
      output_.remark("liveswap: on_message: " + std::string(text));
    };
    message_command_ = std::make_unique<MessageCommand>(context_.setup.loop, context_.children,
                                                        MessageCommand::Handlers{start, problem});
  }
  message_command_->hand(message, std::move(reached));
}

void WorkerProcess::signal_all(int signo) {
  (void)signal_main(signo);
  for (const auto& process : former_) process->signal(signo);
  if (cgroup_ && signo == SIGKILL) (void)cgroup_->kill();
  for (const TreeMember& one : kin_) {
    if (!main_) (void)os::pidfd_send_signal(one.pidfd, signo);
  }
  signal_members(tree(), [this](pid_t pid) { return context_.children.knows(pid); }, signo);
}

void WorkerProcess::kill() {
  if (main_ || leftovers_) signal_all(SIGKILL);
}

WorkerFacts WorkerProcess::facts() const {
  WorkerFacts facts;
  facts.pid = main_ ? main_->pid() : 0;
  facts.started = started_;
  facts.connections = connections_;
  facts.status = status_;
  return facts;
}

// ---- its end ----

os::Result<std::unique_ptr<WatchedProcess>> WorkerProcess::watch_process(pid_t pid, os::OwnedFd pidfd) {
  KeptPart part = keeper_.keep(KeepRole::worker_pidfd, pidfd);
  return WatchedProcess::open(
      context_.setup.loop, context_.children, pid, std::move(pidfd),
      [this, pid](const os::ExitStatus& status) { on_process_ended(pid, status); }, std::move(part));
}

void WorkerProcess::on_process_ended(pid_t pid, const os::ExitStatus& status) {
  if (main_ && main_->pid() == pid) return on_main_ended(status);
  std::erase_if(former_, [&](const auto& process) { return process->pid() == pid; });
}

// What it sent before it ended is taken first: it may have named another main process, and then this is no end.
void WorkerProcess::on_main_ended(const os::ExitStatus& status) {
  main_.reset();
  main_changed();
  if (channel_) channel_->finish();
  if (notify_) notify_->finish();
  if (main_) return;
  close_links();
  channel_.reset();
  notify_.reset();
  ready_delay_.reset();
  ready_check_.reset();
  starving_.reset();
  seccomp_binds_.reset();
  binds_.reset();
  message_command_.reset();
  output_.finish();
  if (!running_) {
    fail_launch(core::Reason::spawn_failed, "liveswap-launch " + status.text());
    return end();
  }
  if (failed_) return end();
  former_.clear();  // from now on they are leftovers as others are
  const bool tree_gone = !watch_leftovers();
  context_.setup.post(core::WorkerExited{ids_.worker, core_status(status), output_.last_lines(), tree_gone});
  if (tree_gone) end();
}

// Whether there are any.
bool WorkerProcess::watch_leftovers() {
  leftovers_ = std::make_unique<Leftovers>(context_.setup.loop, [this] { return find_others(); }, [this] {
    output_.finish();
    context_.setup.post(core::TreeGone{ids_.worker});
    end();
  });
  return leftovers_->look();
}

void WorkerProcess::end() { context_.bury(ids_.worker); }

WorkerTree WorkerProcess::tree() const {
  WorkerTree tree{{}, session_, traits_.mark, context_.guardian, cgroup_ ? &*cgroup_ : nullptr};
  if (main_) tree.roots.push_back(main_->pid());
  for (const auto& process : former_) tree.roots.push_back(process->pid());
  return tree;
}

std::vector<TreeMember> WorkerProcess::find_others() const {
  auto members = find_members(tree(), [this](pid_t pid) { return context_.children.knows(pid); });
  if (!adopted_) return members;
  if (main_) {
    remember_kin(members);
  } else {
    add_kin(members);
  }
  return members;
}

void WorkerProcess::remember_kin(const std::vector<TreeMember>& members) const {
  kin_.clear();
  for (const TreeMember& member : members) {
    auto pidfd = os::dup_cloexec(member.pidfd);
    if (pidfd) kin_.push_back({member.pid, std::move(*pidfd)});
  }
}

void WorkerProcess::add_kin(std::vector<TreeMember>& members) const {
  for (const TreeMember& one : kin_) {
    auto pidfd = os::dup_cloexec(one.pidfd);
    const auto ended = pidfd ? os::wait_pidfd(*pidfd) : std::unexpected(pidfd.error());
    if (ended && !*ended) members.push_back({one.pid, std::move(*pidfd)});
  }
}

}  // namespace liveswap::master
