// The core as the simulation drives it, optionally with a planted bug: events and actions are dropped,
// doubled or changed on their way, as a wrong core would. So the core itself stays clean, and the checkers
// are proved.
#pragma once

#include <cstdint>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/core.hpp"

namespace sim {

using namespace liveswap::core;

enum class Bug {
  none,
#define BUG(name, what) name,
#include "bugs.def"
#undef BUG
};

std::string_view name_of(Bug bug);
std::optional<Bug> bug_named(std::string_view name);
std::string list_of_bugs();

class Subject {
 public:
  Subject(Setup setup, Bug bug) : core_(std::make_unique<Core>(std::move(setup))), bug_(bug) {}

  void step(Time now, const Event& event, ActionList& out);
  Time next_deadline() const { return core_->next_deadline(); }
  Snapshot snapshot() const { return core_->snapshot(); }

  // Another master, which knows what this one has saved. What is wrong with that; "" for nothing.
  std::string restart();

 private:
  struct Seat {
    AppId app;
    GenerationId generation;
    Slot slot;
    auto operator<=>(const Seat&) const = default;
  };

  void lose_requests();
  bool is_lost(const Event& event) const;
  void step_core(Time now, const Event& event, ActionList& actions);
  void alter(const Steer& steer, ActionList& out);
  void pass_on(const Action& action, ActionList& out);
  void alter(const Spawn& spawn, ActionList& out);
  void alter(const SignalWorker& signal, ActionList& out) const;
  void alter(const Answer& answer, ActionList& out);
  void note(const Event& event, const ActionList& actions);

  std::unique_ptr<Core> core_;
  Bug bug_;
  std::vector<std::byte> saved_before_;  // one restart ago
  std::map<AppId, ReleaseId> newest_;
  std::map<WorkerId, Seat> seats_;
  std::set<Seat> filled_before_;
  std::set<WorkerId> ready_, draining_, cut_, launched_;
  std::map<std::pair<AppId, ReleaseId>, AppPolicy> policies_;
  std::map<AppId, WorkerId> youngest_;
  std::map<AppId, Steer> steered_;
  std::map<AppId, GenerationId> newest_generation_;
  std::set<RequestId> asked_;  // upgrades
  std::uint64_t answers_ = 0;
  Time now_{};
};

}  // namespace sim
