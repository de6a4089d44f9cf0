// The workers' processes: performs what the core asks to be done to them, and posts what becomes of them. Owned by
// Master, which holds one for all apps; everything that it is given must outlive it.
//
// Nothing here waits, and no callback calls the core. Whoever ends the master ends the workers first; where one is
// destroyed that still has some, they are killed with all that they started, and waited for a moment.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/action.hpp"
#include "core/event.hpp"
#include "core/ids.hpp"
#include "loop/deferred.hpp"
#include "master/drain_watch.hpp"
#include "master/facts.hpp"
#include "master/release.hpp"
#include "master/status_files.hpp"
#include "master/worker_context.hpp"

namespace liveswap::master {

class WorkerProcess;
struct WorkersState;  // workers_state.hpp

class Workers {
 public:
  explicit Workers(WorkerSetup setup);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Answered by Launched or LaunchFailed, also where nothing could be started.
  void spawn(const core::Spawn& spawn, std::shared_ptr<const Release> release);
  void adopt(const core::Spawn& spawn, std::shared_ptr<const Release> release, Adoption adoption);
  // Programs that were spawned are executed from now on: whoever would go on in this master's place knows of them.
  void let_run();

  [[nodiscard]] WorkersState save() const;
  // Instead of what there is: an earlier master's workers. What is not there any more is told.
  using ReleaseOf = std::function<std::shared_ptr<const Release>(core::AppId, core::ReleaseId)>;
  [[nodiscard]] std::vector<std::string> restore(WorkersState state, const ReleaseOf& release_of);
  // What an earlier master had posted since it wrote its state: it need not happen again.
  void recall(const core::Event& event);
  [[nodiscard]] std::size_t count() const { return workers_.size(); }
  [[nodiscard]] bool has(core::WorkerId worker) const { return find(worker) != nullptr; }
  void set_guardian(pid_t pid) { context_.guardian = pid; }

  // These are ignored for a worker that has ended meanwhile.
  void starve(core::WorkerId worker);  // answered by WorkerStarved
  void ask_drain(const core::AskDrain& drain);
  void signal(const core::SignalWorker& signal);

  // To the main process of every worker of the app; the number of those that were sent it.
  std::uint32_t signal_app(core::AppId app, int signo);

  // To every worker of the app; `counted` is called once, when it is known of each.
  void message_app(core::AppId app, std::string_view text, MessageHandler counted);

  [[nodiscard]] WorkerFacts facts(core::WorkerId worker) const;  // pid 0 for one that is gone

  // Counts what workers of the app (0: of all) have open, as far as that may be done again already; see DrainWatch.
  void count_connections(core::AppId app, std::function<void()> counted);
  // Of the last count, the oldest first.
  [[nodiscard]] std::vector<ConnectionRow> connections(core::WorkerId worker) const;
  // A draining worker is about to be ended: what that cuts, once for each worker; nullopt where it cuts nothing.
  [[nodiscard]] std::optional<core::Note> note_of_cut(core::WorkerId worker);

  // Of all workers, whatever their state.
  [[nodiscard]] std::set<pid_t> processes() const;

  // Those of the master that are not workers belong there too.
  [[nodiscard]] Children& children() { return context_.children; }

  // For every SIGCHLD: reaps what workers have left behind.
  void reap() { context_.children.reap(); }

 private:
  [[nodiscard]] WorkerProcess* find(core::WorkerId worker) const;
  void bury(core::WorkerId worker);
  [[nodiscard]] DrainWatch::Handlers count_handlers();
  void begin_drain(core::WorkerId worker);
  [[nodiscard]] std::vector<StatusRow> living(const std::string& status_file) const;

  WorkerContext context_;
  std::map<core::WorkerId, std::unique_ptr<WorkerProcess>> workers_;
  DrainWatch drain_watch_;
  std::set<core::WorkerId> cut_;  // of which it was told
  StatusFiles status_files_;  // its end asks who still lives
  std::vector<core::WorkerId> dead_;
  std::vector<core::WorkerId> held_;  // by let_run()
  loop::Deferred burial_;  // never from inside a worker's own callback
};

}  // namespace liveswap::master
