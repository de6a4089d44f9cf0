// Every deadline that the core waits for, in one ordered set, so that the next one is always at hand.
//
// A timer is named by what it belongs to (a worker, a slot, a request …), so that arming it again moves it
// and whatever ends takes its timers with it. Owned by the Supervisor; it never fires by itself.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "core/ids.hpp"
#include "core/time.hpp"

namespace liveswap::core {

enum class TimerKind {
  worker,          // the time-out of the worker's state
  starve,          // the queues of a leaving worker had their time
  watchdog,        // the worker's next ping is overdue
  slot,            // back-off: the slot's next start
  prepare,         // back-off: the first release is tried again
  steer,           // new connections could not be steered: try again
  quiesce,         // the queues of a stopping app had their time
  request,         // an operator's --timeout
  shutdown_delay,  // go on serving until then
  shutdown_drain,  // the drain of everything had its time
};

struct TimerKey {
  TimerKind kind{};
  std::uint64_t owner = 0;    // WorkerId, AppId or RequestId, as the kind says
  GenerationId generation{};  // slot
  Slot slot = 0;              // slot
  auto operator<=>(const TimerKey&) const = default;
};

constexpr TimerKey state_timer(WorkerId worker) { return {TimerKind::worker, worker.value, {}, 0}; }
constexpr TimerKey starve_timer(WorkerId worker) { return {TimerKind::starve, worker.value, {}, 0}; }
constexpr TimerKey watchdog_timer(WorkerId worker) { return {TimerKind::watchdog, worker.value, {}, 0}; }
constexpr TimerKey slot_timer(AppId app, GenerationId generation, Slot slot) {
  return {TimerKind::slot, app.value, generation, slot};
}
constexpr TimerKey prepare_timer(AppId app) { return {TimerKind::prepare, app.value, {}, 0}; }
constexpr TimerKey steer_timer(AppId app) { return {TimerKind::steer, app.value, {}, 0}; }
constexpr TimerKey quiesce_timer(AppId app) { return {TimerKind::quiesce, app.value, {}, 0}; }
constexpr TimerKey request_timer(RequestId request) { return {TimerKind::request, request.value, {}, 0}; }
inline constexpr TimerKey kShutdownDelay{TimerKind::shutdown_delay, 0, {}, 0};
inline constexpr TimerKey kShutdownDrain{TimerKind::shutdown_drain, 0, {}, 0};

class Timers {
 public:
  // Arms or moves; kNever disarms.
  void arm(const TimerKey& key, Time at);
  void disarm(const TimerKey& key);

  std::optional<Time> at(const TimerKey& key) const;
  Time next() const;

  // See archive.hpp.
  template <class Archive>
  void persist(Archive& archive) {
    archive(armed_);
    queue_.clear();
    for (const auto& [key, at] : armed_) queue_.emplace(at, key);
  }

  // Takes the earliest timer that is due. Of those due at the same time, kind and identity decide.
  std::optional<TimerKey> take_due(Time now);

 private:
  std::map<TimerKey, Time> armed_;
  std::set<std::pair<Time, TimerKey>> queue_;
};

}  // namespace liveswap::core
