// The checkers' own account of everything: kept from the events that the core was told and the actions that
// it asked for, never from the core's inside. What the promises say is checked against it after each step.
//
// Its snapshot is only believed for how many workers are wanted and which rollout runs; who lives, serves or
// leaves, and who was asked to, is known from the events and actions alone.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "core/core.hpp"

namespace sim {

using namespace liveswap::core;

// A worker that the core knows.
struct Hand {
  WorkerId worker;
  AppId app;
  GenerationId generation;
  Slot slot = 0;
  ReleaseId release;
  AppPolicy policy;
  bool launched = false;
  bool was_ready = false;
  bool leaving = false;    // drains or stops
  bool by_itself = false;  // it left on its own account
  bool asked = false;      // AskDrain
  std::optional<Time> asked_at{};
  std::optional<Time> starve_began{};
  bool starve_lost = false;  // who was asked for it has gone
  bool starved_told = false, empty_told = false;  // since then
  bool main_gone = false;
  bool extended = false;
  std::set<int> signals{};
  std::optional<Time> drain_began{}, stop_began{}, leftovers_began{}, killed{};
  unsigned kills = 0;
  WorkerState state = WorkerState::starting;  // as last seen in a snapshot

  bool lives() const { return !leaving && !main_gone; }
  bool serves() const { return was_ready && lives(); }
};

struct GenerationBook {
  ReleaseId release;
  std::uint32_t size = 0;
  bool draining = false;
  bool cut = false;
  std::optional<Time> cut_at{};
  std::set<Slot> removed{};  // serving workers taken out of service by the core, and not made good since
  std::set<Slot> crashed{};  // serving workers that were lost, and not made good since
};

// Workers that new connections go to, each with its generation.
using Force = std::map<WorkerId, GenerationId>;

struct SteeringBook {
  Force force{};                    // by the shell's word
  std::deque<Force> unanswered{};   // asked for, the oldest first
  std::optional<Time> failed_at{};  // … and that was told, and nothing was asked for since

  const Force& wish() const;  // in force if nothing fails
  bool names(WorkerId worker) const;
};

struct AppBook {
  std::map<ReleaseId, AppPolicy> releases{};  // prepared and not dropped
  std::map<GenerationId, GenerationBook> generations{};
  AppSnapshot before{};  // after the last step
  std::optional<RequestId> hook{};       // that runs
  std::set<RequestId> hooks_due{};       // upgrades whose hook has not passed
  bool listeners_open = true;
  bool opening = false;  // asked for since they were closed
  unsigned opens_pending = 0;
  bool may_have_adopted = false;  // an operator asked for it
  bool stopping = false;
  bool hurried = false;      // stopped at once: nothing is waited for
  bool had_serving = false;  // when it began to stop
  std::optional<Time> quiesced{};
  bool quiet = false;
  bool removed_now = false;  // a serving worker was taken out of service in this step
  bool stopped_now = false;  // it was being stopped at some time in this step
  SteeringBook steering{};
};

struct Asked {
  bool upgrade = false;
  WaitLevel level = WaitLevel::committed;
  AppId app{};
  GenerationId served{};  // when it was asked
};

class Ledger {
 public:
  explicit Ledger(const Setup& setup);

  // In this order at each step.
  void event(Time now, Time deadline, const Event& event);
  void action(const Action& action);
  void after(const Snapshot& snapshot, Time next_deadline, bool time_passed);

  // What keeps the world from being at rest; "" for nothing.
  std::string unrest(const Snapshot& snapshot) const;

  const std::string& failure() const { return failure_; }
  void fail(const std::string& text);
  bool exited() const { return exited_; }
  bool knows(WorkerId worker) const { return hands_.contains(worker); }
  std::uint64_t rollouts() const { return rollouts_; }

 private:
  struct EventBook;
  struct ActionBook;

  bool ends_a_wait(Time now) const;
  Hand* find(WorkerId worker);
  std::uint32_t serving(AppId app) const;
  std::uint32_t serving(AppId app, GenerationId generation) const;
  std::uint32_t living(AppId app) const;
  bool serves_beside(const Hand& hand) const;
  bool is_restarting_slot(const AppBook& book) const;
  void lost(Hand& hand);
  void taken_out(Hand& hand);
  void forget(WorkerId worker);

  void spawned(const Spawn& spawn);
  void signalled(const SignalWorker& signal);
  void killed(Hand& hand);
  void answered(const Answer& answer);
  void noted(const Note& note);
  void closed(AppId app);

  void steered(AppId app);
  void steer_failed(AppId app);
  void asked_to_steer(const Steer& steer);
  void starved(const Starve& starve);
  std::string objection_to_ask(const Hand& hand, Duration timeout) const;
  Time drain_end(const Hand& hand) const;
  Force served_by(AppId app) const;
  void check_steering(AppBook& book, const AppSnapshot& now, bool time_passed);
  void check_wish(const AppBook& book, const AppSnapshot& now);
  void check_starving(const SteeringBook& steering, const Hand& hand, bool time_passed);
  void check_committed(const AppBook& book, GenerationId generation);

  void check_restored(const AppBook& book, const Note& note);
  void learn_sizes(AppBook& book, const AppSnapshot& now);
  void check_capacity(AppBook& book, const AppSnapshot& now);
  void check_living(const AppBook& book, const AppSnapshot& now);
  void check_draining(const AppBook& book, const AppSnapshot& now);
  void check_states(const AppSnapshot& now, bool time_passed);
  void check_override(const AppBook& book, const AppSnapshot& now);
  void check_hurry(bool time_passed);
  void check_asked();

  std::map<AppId, AppBook> apps_;
  std::map<WorkerId, Hand> hands_;
  std::map<RequestId, Asked> requests_;
  std::map<std::tuple<AppId, GenerationId, Slot>, std::deque<Time>> spawns_;
  Time now_{};
  bool slot_asked_ = false;
  bool cut_asked_ = false;  // everything is to be stopped at once
  bool woken_ = false;      // by a deadline, and nothing has been done about it yet
  bool excused_ = false;    // what the operator asked for in this step takes workers away at once
  std::optional<Time> delay_end_;
  std::optional<Time> shutdown_;  // when its drain began, or is going to
  Duration shutdown_timeout_{};
  WorkerId last_worker_{};
  bool exited_ = false;
  std::uint64_t rollouts_ = 0;
  std::string failure_;
};

// How long the worker may drain.
Duration drain_time(const Hand& hand);
std::uint32_t surge(const AppPolicy& policy, std::uint32_t workers);
std::uint32_t unavailable(const AppPolicy& policy, std::uint32_t workers);

}  // namespace sim
