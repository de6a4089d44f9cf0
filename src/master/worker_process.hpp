// One worker, from its launch until all that it started has gone. Owned by Workers; what happens to it is posted as
// events, and after the last of those it asks to be buried.
//
//   launching ──▶ running ──main process ends──▶ leftovers ──the last has gone──▶ buried
//       │   Launched        WorkerExited             │ TreeGone                      ▲
//       └── LaunchFailed ───────────────────────────────────────────────────────────┘
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/action.hpp"
#include "core/plan.hpp"
#include "core/time.hpp"
#include "loop/timer.hpp"
#include "master/adoption.hpp"
#include "master/bind_watch.hpp"
#include "master/connection_count.hpp"
#include "master/facts.hpp"
#include "master/leftovers.hpp"
#include "master/message_command.hpp"
#include "master/notify_socket.hpp"
#include "master/queue_watch.hpp"
#include "master/ready_check.hpp"
#include "master/release.hpp"
#include "master/seccomp_binds.hpp"
#include "master/watched_process.hpp"
#include "master/worker_channel.hpp"
#include "master/worker_context.hpp"
#include "master/worker_links.hpp"
#include "master/worker_output.hpp"
#include "master/worker_plan.hpp"
#include "master/worker_socket.hpp"
#include "master/worker_tree.hpp"
#include "os/cgroup.hpp"
#include "protocols/worker_event.hpp"

namespace liveswap::master {

struct WorkerState;  // workers_state.hpp
struct BindWatchState;
struct ProcessState;
struct WorkerChannelState;

class WorkerProcess {
 public:
  WorkerProcess(WorkerContext& context, const core::Spawn& ids, std::shared_ptr<const Release> release);
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  void start();
  void let_run();  // the program is executed
  [[nodiscard]] WorkerState save() const;
  // Instead of start(): an earlier master did. What is missing of it is told.
  void restore(WorkerState state, std::vector<std::string>& problems);
  // Instead: it is a server that runs already, and ready.
  void adopt(Adoption adoption);
  // An earlier master had posted that.
  void was_launched();
  void was_ready() { ready_ = true; }
  void was_stopping() { stopping_ = true; }
  void starve();
  void drain(core::Duration timeout);
  void signal_all(int signo);                 // with all that it started
  void kill();                                // the same, by KILL, if anything of it may still run
  [[nodiscard]] bool signal_main(int signo);  // false: it has none any more
  void tell(std::string_view message, Reached reached);  // an operator's

  [[nodiscard]] core::AppId app() const { return ids_.app; }
  [[nodiscard]] core::GenerationId generation() const { return ids_.generation; }
  [[nodiscard]] const std::optional<std::string>& status_file() const { return release_->plan.status_file; }
  [[nodiscard]] bool lives() const { return main_ != nullptr; }
  [[nodiscard]] WorkerFacts facts() const;

  // What is to be looked at so as to count its connections; nullopt: nothing of it is left.
  [[nodiscard]] std::optional<CountTask> count_task(bool close_idle) const;
  [[nodiscard]] bool is_being_starved() const { return starving_ && !starved_; }  // something may still come to it
  [[nodiscard]] bool closes_idle() const { return release_->plan.policy.drain_idle.has_value(); }
  // Every process that belongs to it.
  [[nodiscard]] std::vector<TreeMember> processes() const;
  [[nodiscard]] core::Note note(core::NoteKind kind) const;  // about it
  void tell_info(std::string_view text) const;

 private:
  [[nodiscard]] std::expected<void, std::string> try_start();
  [[nodiscard]] bool can_reach_runtime_dir() const;
  [[nodiscard]] WorkerAddress socket_address(std::string_view suffix) const;  // of one that it speaks to
  [[nodiscard]] std::expected<void, std::string> open_notify_socket();
  [[nodiscard]] std::expected<void, std::string> open_links(std::optional<std::vector<LinkState>> left = std::nullopt);
  void close_links();
  void make_cgroup();
  [[nodiscard]] std::expected<LaunchedProcess, std::string> launch(std::expected<PreparedLaunch, std::string> prepared,
                                                                   OutputUser user,
                                                                   Launcher::When when = Launcher::When::at_once);
  [[nodiscard]] NotifySocket::Handlers notify_handlers();
  [[nodiscard]] WorkerChannel::Handlers channel_handlers();
  [[nodiscard]] bool keeps_channel() const { return release_->plan.protocol == core::Protocol::native; }
  [[nodiscard]] os::Result<void> watch(LaunchedProcess launched);
  void open_binds();
  void watch_filter(os::OwnedFd notifier);
  [[nodiscard]] std::unique_ptr<QueueWatch> watch_queues();
  [[nodiscard]] ProcessState state_of(const std::unique_ptr<WatchedProcess>& process) const;
  [[nodiscard]] std::unique_ptr<WatchedProcess> restore_process(const ProcessState& state,
                                                                std::vector<std::string>& problems);
  void restore_speech(WorkerState& state, std::vector<std::string>& problems);
  void restore_binds(BindWatchState state, std::vector<std::string>& problems);
  void restore_kin(const std::vector<pid_t>& kin);
  void go_on();
  void tell_if_unseen();
  void on_listens();
  void main_changed();
  void on_running();
  void on_launch_failed(const std::string& text);
  void fail_launch(core::Reason reason, std::string text);

  [[nodiscard]] bool tell_by_channel(std::string_view message);
  void hand_to_command(std::string_view message, Reached reached);
  void begin_readiness();
  void become_ready();

  void on_said(const std::vector<protocols::WorkerEvent>& events);
  void take(const protocols::Ready&);
  void take(const protocols::Stopping&);
  void take(const protocols::StatusText& said) { status_ = said.text; }
  void take(const protocols::ExtendTimeout&);
  void take(const protocols::WatchdogPing&);
  void take(const protocols::WatchdogTrigger&);
  void take(const protocols::WatchdogInterval&);
  void take(const protocols::MainPid&);
  void take(const protocols::Connections&);
  void take(const protocols::Hello&) {}
  void take(const protocols::Barrier&) {}
  void take(const protocols::Problem& problem) { tell_problem(problem.text); }
  void tell_problem(std::string_view text);
  [[nodiscard]] std::string subject() const;

  [[nodiscard]] WorkerTree tree() const;
  [[nodiscard]] std::vector<TreeMember> find_others() const;
  void remember_kin(const std::vector<TreeMember>& members) const;
  void add_kin(std::vector<TreeMember>& members) const;
  [[nodiscard]] os::Result<std::unique_ptr<WatchedProcess>> watch_process(pid_t pid, os::OwnedFd pidfd);
  void on_process_ended(pid_t pid, const os::ExitStatus& status);
  void on_main_ended(const os::ExitStatus& status);
  bool watch_leftovers();
  void end();

  WorkerContext& context_;
  core::Spawn ids_;
  std::shared_ptr<const Release> release_;
  std::shared_ptr<KnownSockets> known_sockets_ = std::make_shared<KnownSockets>();
  WorkerTraits traits_;
  WorkerKeeper keeper_;
  WorkerOutput output_;
  WallTime started_{};
  pid_t session_ = 0;

  std::optional<os::Cgroup> cgroup_;
  std::unique_ptr<NotifySocket> notify_;
  std::unique_ptr<WorkerChannel> channel_;
  std::unique_ptr<BindWatch> binds_;  // bind; its calls come by one of the links, or by …
  std::unique_ptr<SeccompBinds> seccomp_binds_;
  WorkerLinks links_;
  std::unique_ptr<WatchedProcess> main_;
  std::vector<std::unique_ptr<WatchedProcess>> former_;  // main processes before MAINPID named another, still alive
  // Of a server that was adopted: its other processes as they were seen last. Once its main process has ended they are
  // somebody else's children.
  mutable std::vector<TreeMember> kin_;
  bool adopted_ = false;
  std::unique_ptr<loop::Timer> ready_delay_;
  std::unique_ptr<ReadyCheck> ready_check_;
  std::unique_ptr<QueueWatch> starving_;
  std::unique_ptr<MessageCommand> message_command_;
  std::unique_ptr<Leftovers> leftovers_;

  bool launched_ = false;  // by let_run()
  bool running_ = false;
  bool failed_ = false;  // LaunchFailed was posted: nothing more is
  bool ready_ = false;
  bool stopping_ = false;
  bool starved_ = false;
  bool preloads_ = false;  // it is seen to bind by the library in it
  int problems_told_ = 0;
  std::string status_;
  std::optional<std::uint32_t> connections_;
};

}  // namespace liveswap::master
