// The supervisor as pure values: events in, actions out.
//
// No I/O, no clock, no loop, no descriptors, no logging; it can be run thousands of times a second by the simulation.
// Owned by the shell, which feeds it from one place (master/) and performs what it asks. Not thread-safe.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "core/action.hpp"
#include "core/event.hpp"
#include "core/snapshot.hpp"
#include "core/time.hpp"

namespace liveswap::core {

class ArchiveReader;
class ArchiveWriter;

inline constexpr std::size_t kHistoryMax = 100;  // rollouts remembered for each app

struct AppSetup {
  AppId id;
  std::string name;
};

struct Setup {
  std::vector<AppSetup> apps;
  OnStartFailure on_start_failure = OnStartFailure::exit;
  ShutdownPolicy shutdown;
};

class Core {
 public:
  explicit Core(Setup setup);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // One event. Appends the actions that follow from it to `out`. `now` never goes back.
  void step(Time now, const Event& event, ActionList& out);

  // When TimePassed is wanted at the latest; kNever if nothing waits.
  Time next_deadline() const;

  Snapshot snapshot() const;

  // Between two steps, for a master that goes on where this one ends, in the same life of the machine: the time of its
  // first step is not before that of this one's last.
  void save(ArchiveWriter& archive) const;
  // The error is a clause about what was saved: "it contradicts itself: …". `archive` has failed then, or is of no
  // further use.
  [[nodiscard]] static std::expected<std::unique_ptr<Core>, std::string> restore(ArchiveReader& archive);

  // As the snapshot has it; 0: none, or there is no such app.
  ReleaseId serving_release(AppId app) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace liveswap::core
