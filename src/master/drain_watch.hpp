// Knows how many connections workers have open: of those that drain all the time, of others when somebody asks.
//
//   drain() ──look, count, look, …──▶ empty() once none is left ──…──▶ forget()
//
// One timer while anything drains, none otherwise; at the pace of count_pace.hpp, all counts of those that drain take
// 1 % of the time at most, and what is asked for besides is rationed in the same way. Owned by Workers, which says what
// belongs to a worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "core/ids.hpp"
#include "core/time.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/count_pace.hpp"
#include "master/count_queue.hpp"
#include "master/known_connections.hpp"

namespace liveswap::master {

class DrainWatch {
 public:
  // Called from the loop; none may destroy the watch.
  struct Handlers {
    CountQueue::TaskOf task_of;
    std::function<void(core::WorkerId)> empty;  // none left, twice in a row; again after there were some
    std::function<void(core::WorkerId, std::string_view why)> unknown;        // once for each worker
    std::function<void(core::WorkerId, std::uint32_t count)> closed_idle;
  };
  using Done = std::function<void()>;

  DrainWatch(loop::Loop& loop, Handlers handlers);

  // From now on, until forget(). `closes_idle`: its tasks ask for that, so it is looked at more often. Where it drains
  // already, none left is to be seen anew.
  void drain(core::WorkerId worker, bool closes_idle);
  void forget(core::WorkerId worker);
  [[nodiscard]] bool drains(core::WorkerId worker) const;

  // Counts those of these workers whose turn it may be. `done` is called when that is known, or after a moment with
  // what is known by then; at once where nothing is to be counted.
  void count(const std::vector<core::WorkerId>& workers, Done done);
  // Counts one worker in this very moment, unless it was counted just now or that takes long. What was known before it
  // began to drain counts for nothing.
  void count_now(core::WorkerId worker);

  [[nodiscard]] const KnownConnections* find(core::WorkerId worker) const;  // nullptr: nobody ever asked

 private:
  struct Watched {
    bool draining = false;
    core::Time drains_since{};
    bool told_empty = false;
    bool told_unknown = false;
    CountPace pace{};
    std::vector<OpenDescriptors> descriptors{};  // as they were when it was counted last
    KnownConnections known{};
  };
  struct Waiter {
    std::set<core::WorkerId> missing;
    core::Time give_up_at;
    Done done;
  };

  [[nodiscard]] core::Time now() const { return core::Time(loop_.now()); }
  [[nodiscard]] std::size_t draining() const;
  void plan_next_look();
  void look_around();
  void look_at(Watched& watched);
  void counted(core::WorkerId worker, std::optional<CountResult> result, core::Duration took);
  void learn(Watched& watched, CountResult result, core::Duration took);
  void tell(core::WorkerId worker, Watched& watched, std::uint32_t closed_idle);
  void answer_waiters(core::WorkerId worker);
  void give_up_waiting();

  loop::Loop& loop_;
  Handlers handlers_;
  std::map<core::WorkerId, Watched> workers_;
  std::deque<Waiter> waiters_;  // in the order in which their patience ends
  CountQueue queue_;
  loop::Timer look_timer_;
  loop::Timer patience_;
};

}  // namespace liveswap::master
