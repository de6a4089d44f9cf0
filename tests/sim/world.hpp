// The shell and the kernel, as far as the core can tell: performs actions, and lets events follow from them.
//
// Whatever may be late, fail or come in another order in reality may do so here, as the seed decides; what
// cannot happen in reality (an exit that is told before the launch, an answer to nothing) does not happen
// here either.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agenda.hpp"
#include "core/core.hpp"
#include "listeners.hpp"
#include "process.hpp"
#include "random.hpp"
#include "swarm.hpp"

namespace sim {

class World {
 public:
  using Post = std::function<void(const Event&)>;

  World(const Swarm& swarm, Agenda& agenda, Random random, Post post);

  void begin(Time now);
  void perform(Time now, const Action& action);
  void set_time(Time now) { now_ = now; }
  // Faults stop: what is spawned from now on behaves, and nothing is late any more.
  void calm_down() { calm_ = true; }
  bool is_calm() const { return calm_; }
  void master_dies();

  const Listeners& listeners(AppId app) const { return listeners_.at(app); }
  // Nobody waits whom the core could have served; `ready`: how many workers it counts as ready.
  bool is_served(AppId app, std::uint32_t ready) const;
  // Clients that wait in queues that no worker has any more.
  std::size_t stranded(AppId app) const;
  const std::map<WorkerId, Process>& processes() const { return processes_; }
  // Clients whose connection was cut by a SIGKILL although their worker had never been asked to drain or to
  // stop.
  std::uint64_t cut_unasked() const { return cut_unasked_; }
  // The first thing that went wrong with a client; "" for nothing.
  const std::string& failure() const { return failure_; }

 private:
  struct Release {
    AppPolicy policy;
    Flaw flaw = Flaw::none;
  };

  void in(Duration delay, std::function<void()> deed);
  Duration delay(Duration least, Duration most);
  // An event about a worker, after everything that was told about it before. With the last one its sockets are free.
  void tell(WorkerId worker, const Event& event, Duration after);
  void tell_app(AppId app, const Event& event, Duration after);
  // To something that this master was asked for: nobody gives it to the next one.
  void answer(Duration after, const Event& event);
  void answer_at(Time at, const Event& event);
  Process* alive(WorkerId worker);
  void spoken_to(WorkerId worker);  // from now on it may be killed
  // Runs the deed after that time if the worker's program still runs then.
  void while_running(WorkerId worker, Duration after, std::function<void(Process&)> deed);

  void run_hook(const RunHook& action);
  void prepare(const PrepareRelease& action);
  void spawn(const Spawn& action);
  void open(const OpenListeners& action);
  void quiesce(const QuiesceListeners& action);
  void close(const CloseListeners& action);
  void signal(const SignalWorker& action);

  void run(Process& process);
  void say_ready(Process& process);
  void plan_misdeeds(Process& process);
  void ping_later(WorkerId worker);
  void extend_later(WorkerId worker);
  void drain(Process& process);
  void leave_when_idle(Process& process);
  void signal_main(Process& process, int signo);
  void signal_children(WorkerId worker, int signo);
  void kill(WorkerId worker);
  void die(Process& process, ExitStatus status);
  void children_end(WorkerId worker);

  const AppTraits& traits_of(AppId app) const { return swarm_.traits.at(app.value - 1); }
  void give_sockets(const Spawn& action, const AppPolicy& policy);
  void steer(const Steer& action);
  void starve(const Starve& action);
  void watch(WorkerId worker, bool was_starved, bool was_empty);
  void client_comes_to_side(AppId app);
  void leaves_side(const Process& process);
  void check_starved(const Process& process);
  void check_empty(const Process& process);
  bool is_served(const Side& side) const;
  void fail(const std::string& text) {
    if (failure_.empty()) failure_ = text;
  }

  void client_comes(AppId app);
  void pump(AppId app);
  void pump(Listeners& listeners, std::deque<Time>& queue, const std::set<WorkerId>& accepting);
  void accept(Process& process);
  void set_accepting(Process& process, bool accepting);
  void check_quiet(AppId app);

  Swarm swarm_;
  Agenda& agenda_;
  Random random_;
  Post post_;
  Time now_{};
  bool calm_ = false;
  std::map<WorkerId, Process> processes_;
  std::map<AppId, Listeners> listeners_;
  std::map<AppId, std::set<WorkerId>> accepting_;
  std::map<AppId, Time> app_told_, steering_told_;
  std::map<AppId, std::map<ReleaseId, Release>> releases_;
  std::map<AppId, ReleaseId> last_prepared_;
  std::uint64_t master_ = 0;  // counted up
  std::uint64_t cut_unasked_ = 0;
  std::string failure_;
};

}  // namespace sim
