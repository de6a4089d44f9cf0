// Counts the connections of workers one after the other, in slices, so that the loop is never held up for long. Owned
// by DrainWatch.
#pragma once

#include <deque>
#include <expected>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "core/ids.hpp"
#include "core/time.hpp"
#include "loop/deferred.hpp"
#include "loop/loop.hpp"
#include "master/connection_count.hpp"

namespace liveswap::master {

// The error says why it is not known.
using CountResult = std::expected<Counted, std::string>;

class CountQueue {
 public:
  // What is to be counted, asked when its turn has come; nullopt: the worker is gone.
  using TaskOf = std::function<std::optional<CountTask>(core::WorkerId)>;
  // Called from the loop. nullopt: it was gone. `took`: of the loop's time.
  using Ended = std::function<void(core::WorkerId, std::optional<CountResult>, core::Duration took)>;

  CountQueue(loop::Loop& loop, TaskOf task_of, Ended ended)
      : loop_(loop), task_of_(std::move(task_of)), ended_(std::move(ended)), slices_(loop, [this] { slice(); }) {}

  // One that waits already, or is being counted, is not added again.
  void add(core::WorkerId worker);
  [[nodiscard]] bool has(core::WorkerId worker) const { return unfinished_.contains(worker); }
  [[nodiscard]] bool idle() const { return unfinished_.empty(); }

  // One worker, in this very moment; nullopt where it is gone, or takes longer than `at_most`.
  [[nodiscard]] std::optional<CountResult> count_now(core::WorkerId worker, core::Duration at_most) const;

 private:
  struct Running {
    core::WorkerId worker;
    std::optional<ConnectionCount> count;  // none: the worker is gone
    core::Duration took{};
  };
  [[nodiscard]] core::Time now() const { return core::Time(loop_.now()); }
  void slice();
  void begin_next();
  void end_running();

  loop::Loop& loop_;
  TaskOf task_of_;
  Ended ended_;
  std::deque<core::WorkerId> waiting_;
  std::set<core::WorkerId> unfinished_;  // those, and the one that is being counted
  std::optional<Running> running_;
  loop::Deferred slices_;
};

}  // namespace liveswap::master
