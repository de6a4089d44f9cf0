// The shell around the core: takes what the world does as events, and does what the core asks.
//
//   signals, timers, workers, listeners, operators ──post()──▶ inbox ──▶ core ──▶ perform() ──▶ the world
//
// Loop callbacks only post. drain_inbox() is the one place where the core is stepped and its actions are performed; it
// runs by itself, never from inside a callback of somebody else, so nothing here is re-entered.
//
// Owned by main(), or by a program that embeds it (embed.cpp); one thread.
#pragma once

#include <chrono>
#include <deque>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/facts.hpp"
#include "core/archive_writer.hpp"
#include "core/core.hpp"
#include "core/plan.hpp"
#include "loop/deferred.hpp"
#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/binary_trial.hpp"
#include "master/control_server.hpp"
#include "master/feed.hpp"
#include "master/file_reread.hpp"
#include "master/guardian_link.hpp"
#include "master/guardian_start.hpp"
#include "master/hooks.hpp"
#include "master/instance.hpp"
#include "master/keeper.hpp"
#include "master/launcher.hpp"
#include "master/listener_holders.hpp"
#include "master/listeners.hpp"
#include "master/log.hpp"
#include "master/on_demand.hpp"
#include "master/operations.hpp"
#include "master/output.hpp"
#include "master/program_sockets.hpp"
#include "master/release.hpp"
#include "master/requests.hpp"
#include "master/service_manager.hpp"
#include "master/service_report.hpp"
#include "master/serving.hpp"
#include "master/release_state.hpp"
#include "master/signal_rules.hpp"
#include "master/state_store.hpp"
#include "master/tcp_control.hpp"
#include "master/workers.hpp"
#include "os/signals.hpp"

namespace liveswap::master {

class Master final : public Operations {
 public:
  // What make_parts() has made ready, each part with its own errors.
  struct Parts {
    core::MasterPlan plan;
    config::Facts facts;                   // of the machine, as they were when the plan was read
    std::vector<std::string> environment;  // that the master was started with: NAME=VALUE
    Instance instance;                     // its directories and its lock
    Launcher launcher;
    std::expected<std::string, std::string> bind_library;  // of `bind_by: preload`, or why it is missing
    std::optional<os::SignalFd> signals;  // none: they are not the master's
    ServiceManager service_manager;
    std::optional<os::DescriptorLimit> descriptor_limit;  // that it was started with, and so its workers are
    std::string cgroup_parent;                            // of its workers' cgroups; "": they have none
    std::optional<Greeting> guardian;             // this process's; none: it has none
    std::optional<GuardianPrograms> guardian_programs;  // to start another, where that dies alone
    bool guardian_notifies = false;               // the service manager listens to it alone
    bool replaces_guardian = false;               // it is of the binary before
    std::optional<core::Duration> watchdog;       // the service manager wants to hear something that often
    std::optional<SavedState> left;               // what an earlier master has left, in whose place this one is
    Output::TakeLine take_line;                           // none: lines go to standard output and error
    // Everything has ended, exit_status() says how. Called once, from the loop; must not destroy the master.
    std::function<void()> ended;
  };

  Master(loop::Loop& loop, Parts parts);
  ~Master() override;

  // Binds the listeners, opens the control socket and those for other programs, and lets the core begin. On an error,
  // which says all that is wrong, nothing runs.
  [[nodiscard]] std::expected<void, std::string> begin();

  // Once everything has ended.
  [[nodiscard]] int exit_status() const { return exit_status_; }
  void finish_output(std::chrono::milliseconds patience);  // with slow readers

  // ---- Operations, master_operations.cpp ----
  core::Time now() const override { return core::Time(loop_.now()); }
  WallTime wall(core::Time time) const override;
  const MasterFacts& master() const override;
  core::Snapshot snapshot() const override { return core_->snapshot(); }
  std::vector<ListenerRow> listeners() const override { return listeners_.rows(); }
  void reassert_listeners() override;
  std::uint32_t processors() const override { return config_facts_.processors; }
  WorkerFacts worker_facts(core::WorkerId worker) const override;
  std::vector<ConnectionRow> connections(core::WorkerId worker) const override { return workers_.connections(worker); }
  void count_connections(core::AppId app, std::function<void()> counted) override;
  ReleaseFacts release_facts(core::AppId app, core::ReleaseId release) const override;
  core::RequestId open_request(core::AppId app, RequestHandlers handlers) override;
  void close_request(core::RequestId request) override;
  void set_upgrade(core::RequestId request, CheckedUpgrade upgrade) override;
  std::expected<void, std::string> prepare_adoption(core::AppId app, pid_t pid) override;
  void post(core::Event event) override;
  std::optional<KnownTicket> find_ticket(const Ticket& ticket) const override;
  void keep_ticket(const Ticket& ticket, TicketCall call, std::vector<TicketPart> parts) override;
  AttachmentId attach(const Ticket& ticket, TicketHandlers handlers) override;
  void detach(AttachmentId attachment) override;
  std::expected<CheckedUpgrade, Refusal> check_upgrade(core::AppId app, const ReleaseOverrides& overrides) override;
  std::expected<std::uint32_t, std::string> signal_app(core::AppId app, int signo) override;
  void message_app(core::AppId app, std::string_view text, MessageHandler counted) override;
  std::expected<bool, std::string> pause_listener(const std::string& name) override;
  std::expected<bool, std::string> resume_listener(const std::string& name) override;
  void reexec(const std::string& binary, BinaryTried tried) override;
  std::vector<Told> last_events(const std::string& app, std::size_t max) const override;
  std::vector<OutputLine> last_lines(const std::string& app, std::size_t max) const override;
  FollowId follow_events(EventHandler handler) override;
  FollowId follow_lines(LineHandler handler) override;
  void unfollow(FollowId id) override;

 private:
  [[nodiscard]] std::expected<void, std::string> open_tcp_control(const AccessRules& rules);
  void drain_inbox();
  void perform_all();
  void follow_deadline();
  void give_up_left();
  void follow_left();

  // One for each action, master_perform.cpp.
  void perform(const core::RunHook& action);
  void perform(const core::StopHook& action);
  void perform(const core::PrepareRelease& action);
  void perform(const core::DropRelease& action);
  void perform(const core::OpenListeners& action);
  void perform(const core::QuiesceListeners& action);
  void perform(const core::CloseListeners& action);
  void perform(const core::ReassertListeners& action);
  void perform(const core::Steer& action);
  void perform(const core::Spawn& action);
  void perform(const core::Starve& action);
  void perform(const core::AskDrain& action);
  void perform(const core::SignalWorker& action);
  void perform(const core::Answer& action);
  void perform(const core::Tell& action);
  void perform(const core::Exit& action);
  void keep_target(const core::Note& note);
  void tell_cut(core::WorkerId worker);
  void look_for_holders(const core::Note& note);
  void tell_holders(const HoldersFound& found);
  [[nodiscard]] std::function<os::Result<void>(const wire::guard::Notify&)> report_sender(const Parts& parts);
  [[nodiscard]] os::Result<void> notify(const wire::guard::Notify& what);

  // From master to master, master_takeover.cpp.
  [[nodiscard]] std::expected<void, std::string> meet_guardian();
  [[nodiscard]] GuardianLink::Handlers guardian_handlers();
  void know_guardian(pid_t pid);
  void keep_own();
  void guardian_gone();
  void start_guardian();
  void note_event(const core::Event& event);
  void write_state();
  void save_passing(core::ArchiveWriter& archive) const;
  void leave_nothing();
  [[nodiscard]] std::expected<void, std::string> take_over(const SavedState& saved);
  void restore_releases(std::vector<ReleaseValues> releases);
  [[nodiscard]] std::expected<void, std::string> restore_passing(const SavedState& saved);
  void go_on(const SavedState& saved);
  [[nodiscard]] bool was_performed(const core::Action& action) const;
  void drop_what_is_left();
  // By another binary, master_reexec.cpp.
  [[nodiscard]] std::expected<os::OwnedFd, std::string> open_binary(const std::string& path) const;
  void binary_tried(std::expected<std::string, std::string> version);
  void become_another();

  // Signals, master_signals.cpp.
  void read_signals();
  void act_on(int signo, const SignalSender& sender, pid_t pid);
  void check_file();
  void upgrade_all(std::string_view why);

  [[nodiscard]] core::AppPlan& app_plan(core::AppId app);
  [[nodiscard]] std::string app_name(core::AppId app) const;  // "" for the master itself
  void keep_release(const std::shared_ptr<const Release>& release);
  void update_listed(core::AppId app);  // by the releases that the app still has
  [[nodiscard]] std::shared_ptr<const Release> serving_release(core::AppId app) const;
  [[nodiscard]] std::optional<CheckedUpgrade> take_upgrade(std::optional<core::RequestId> request);
  [[nodiscard]] ReleaseRequest release_request(core::AppId app, core::ReleaseId id, const CheckedUpgrade& upgrade,
                                               std::span<const BoundSocket> sockets) const;
  [[nodiscard]] std::expected<std::shared_ptr<const Release>, std::string> prepare(const core::PrepareRelease& action);
  [[nodiscard]] std::expected<HookJob, std::string> prepare_hook_job(const core::RunHook& action);
  void hook_ended(core::HookEnded event);

  loop::Loop& loop_;
  core::MasterPlan plan_;  // as it was read at the start, and each app as its last good release has it
  config::Facts config_facts_;
  std::vector<std::string> environment_;
  Instance instance_;
  mutable MasterFacts facts_;  // whether the binary has changed is looked up when it is asked for
  Output output_;
  Log log_;
  Keeper keeper_;  // without a store where there is no guardian: then nothing outlives this master
  Kept lock_kept_, launcher_kept_;
  ServiceManager service_manager_;
  Listeners listeners_;
  OnDemand on_demand_;
  ProgramSockets program_sockets_;
  Launcher launcher_;
  Workers workers_;
  std::map<std::pair<core::AppId, core::ReleaseId>, std::shared_ptr<const Release>> releases_;
  std::map<std::pair<core::AppId, core::ReleaseId>, Kept> directories_kept_;
  ListenerHolders listener_holders_;
  bool told_of_refusals_ = false;  // by listener_holders_
  Hooks hooks_;
  std::map<core::AppId, Adoption> adoptions_;            // of the next worker that is spawned for it
  std::map<core::RequestId, CheckedUpgrade> hooked_;  // what is upgraded to when the hook has passed
  Requests requests_;
  loop::Timer away_timer_;  // that some request's client has been away for too long
  Feed<Told> events_;
  std::unique_ptr<core::Core> core_;
  ServiceReport service_report_;
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<Serving> serving_;
  std::unique_ptr<TcpControl> tcp_control_;
  std::deque<core::Event> inbox_;
  core::ActionList actions_;
  bool in_turn_ = false;       // of drain_inbox()
  bool kept_changed_ = false;  // since the state was written
  loop::Deferred draining_;
  loop::Timer deadline_;
  std::optional<Greeting> greeting_;  // until meet_guardian()
  std::optional<GuardianPrograms> guardian_programs_;
  std::optional<SavedState> left_;  // until take_over()
  std::unique_ptr<GuardianLink> guardian_;
  bool guardian_notifies_;
  bool replaces_guardian_;
  loop::Timer guardian_again_;
  std::unique_ptr<BinaryTrial> trial_;
  BinaryTried tried_;
  os::OwnedFd binary_;  // that this master is to become
  loop::Timer reexec_;
  std::unique_ptr<StateStore> state_;  // none: nobody could go on with it
  core::ArchiveWriter lasting_, passing_;
  bool lasting_changed_ = true;
  std::uint64_t lasting_revision_ = 0;
  std::optional<os::SignalFd> signals_;
  SignalRules signal_rules_;
  std::unique_ptr<loop::FdWatch> signal_watch_;
  int exit_status_ = 0;
  std::function<void()> ended_;
};

}  // namespace liveswap::master
