#include "master/drain_watch.hpp"

#include <algorithm>
#include <utility>

#include "os/procfs.hpp"

namespace liveswap::master {
namespace {

constexpr core::Duration kPatience = std::chrono::milliseconds(500);     // of whoever asks for a count
constexpr core::Duration kRightNow = std::chrono::milliseconds(20);      // what count_now() may take
constexpr core::Duration kUnmovedIdle = std::chrono::milliseconds(250);  // since an answer moves no descriptor

}  // namespace

DrainWatch::DrainWatch(loop::Loop& loop, Handlers handlers)
    : loop_(loop),
      handlers_(std::move(handlers)),
      queue_(loop, handlers_.task_of,
             [this](core::WorkerId worker, std::optional<CountResult> result, core::Duration took) {
               counted(worker, std::move(result), took);
             }),
      look_timer_(loop, [this] { look_around(); }),
      patience_(loop, [this] { give_up_waiting(); }) {}

const KnownConnections* DrainWatch::find(core::WorkerId worker) const {
  const auto found = workers_.find(worker);
  return found != workers_.end() ? &found->second.known : nullptr;
}

bool DrainWatch::drains(core::WorkerId worker) const {
  const auto found = workers_.find(worker);
  return found != workers_.end() && found->second.draining;
}

std::size_t DrainWatch::draining() const {
  const auto count = std::ranges::count_if(workers_, [](const auto& each) { return each.second.draining; });
  return static_cast<std::size_t>(count);
}

void DrainWatch::drain(core::WorkerId worker, bool closes_idle) {
  Watched& watched = workers_[worker];
  if (!std::exchange(watched.draining, true)) watched.drains_since = now();
  watched.told_empty = false;
  if (closes_idle) watched.pace.set_unmoved(kUnmovedIdle);
  watched.pace.begin_anew();
  plan_next_look();
}

void DrainWatch::forget(core::WorkerId worker) {
  if (workers_.erase(worker) > 0) plan_next_look();
}

// ---- looking at those that drain ----

void DrainWatch::plan_next_look() {
  const std::size_t sharers = draining();
  core::Time next = core::kNever;
  for (const auto& [id, watched] : workers_) {
    if (!watched.draining || queue_.has(id)) continue;  // the end of its count plans again
    next = std::min({next, watched.pace.next_look(sharers), watched.pace.next_count(sharers)});
  }
  if (next == core::kNever) return look_timer_.stop();
  look_timer_.start_at(std::max(next, now()).time_since_epoch());
}

void DrainWatch::look_around() {
  const std::size_t sharers = draining();
  for (auto& [id, watched] : workers_) {
    if (!watched.draining || queue_.has(id)) continue;
    if (watched.pace.next_look(sharers) <= now()) look_at(watched);
    if (watched.pace.next_count(sharers) <= now()) queue_.add(id);
  }
  plan_next_look();
}

// A process that has ended has moved, too.
void DrainWatch::look_at(Watched& watched) {
  const core::Time begun = now();
  const bool moved = std::ranges::any_of(watched.descriptors, [](const OpenDescriptors& open) {
    return os::count_open_fds(open.pid).value_or(0) != open.count;
  });
  const core::Time ended = now();
  watched.pace.looked(ended, ended - begun, moved);
}

// ---- counting ----

void DrainWatch::count(const std::vector<core::WorkerId>& workers, Done done) {
  const std::size_t sharers = workers.size() + draining();
  Waiter waiter{.missing = {}, .give_up_at = core::later(now(), kPatience), .done = std::move(done)};
  for (const core::WorkerId worker : workers) {
    if (workers_[worker].pace.may_count(sharers) <= now()) queue_.add(worker);
    if (queue_.has(worker)) waiter.missing.insert(worker);
  }
  if (waiter.missing.empty()) return waiter.done();
  if (waiters_.empty()) patience_.start_at(waiter.give_up_at.time_since_epoch());
  waiters_.push_back(std::move(waiter));
}

void DrainWatch::count_now(core::WorkerId worker) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  Watched& watched = found->second;
  const bool is_stale = watched.draining && watched.known.counted_at() < watched.drains_since;
  if (!is_stale && watched.pace.may_count(draining()) > now()) return;
  const core::Time begun = now();
  auto result = queue_.count_now(worker, kRightNow);
  if (result) {
    learn(watched, std::move(*result), now() - begun);
  } else if (is_stale) {
    watched.known.lose("");
  }
}

void DrainWatch::counted(core::WorkerId worker, std::optional<CountResult> result, core::Duration took) {
  const auto found = workers_.find(worker);
  if (found != workers_.end() && !result) {
    found->second.pace.counted(now(), took, false);  // it is about to be forgotten
  } else if (found != workers_.end()) {
    const std::uint32_t closed_idle = *result ? (*result)->closed_idle : 0;
    learn(found->second, std::move(*result), took);
    tell(worker, found->second, closed_idle);
  }
  if (queue_.idle()) plan_next_look();
  answer_waiters(worker);
}

void DrainWatch::learn(Watched& watched, CountResult result, core::Duration took) {
  const bool certain = result && result->certain;
  if (result) {
    watched.descriptors = std::move(result->descriptors);
    watched.known.learn(std::move(*result), now());
  } else {
    watched.known.lose(std::move(result.error()));
  }
  watched.pace.counted(now(), took, certain && watched.known.count() == 0U);
}

// What the handlers do may change workers_: each is called with what was true before.
void DrainWatch::tell(core::WorkerId worker, Watched& watched, std::uint32_t closed_idle) {
  const std::string why = watched.known.why_unknown();
  const bool unknown = !why.empty() && !std::exchange(watched.told_unknown, true);
  const bool empty = watched.draining && watched.pace.empty() && !watched.told_empty;
  watched.told_empty = watched.draining && watched.pace.empty();
  if (closed_idle > 0) handlers_.closed_idle(worker, closed_idle);
  if (unknown) handlers_.unknown(worker, why);
  if (empty) handlers_.empty(worker);
}

// ---- those who asked ----

void DrainWatch::answer_waiters(core::WorkerId worker) {
  std::vector<Done> answered;
  for (Waiter& waiter : waiters_) {
    waiter.missing.erase(worker);
    if (waiter.missing.empty()) answered.push_back(std::move(waiter.done));
  }
  std::erase_if(waiters_, [](const Waiter& waiter) { return waiter.missing.empty(); });
  if (waiters_.empty()) patience_.stop();
  for (const Done& done : answered) done();
}

void DrainWatch::give_up_waiting() {
  std::vector<Done> answered;
  while (!waiters_.empty() && waiters_.front().give_up_at <= now()) {
    answered.push_back(std::move(waiters_.front().done));
    waiters_.pop_front();
  }
  if (!waiters_.empty()) patience_.start_at(waiters_.front().give_up_at.time_since_epoch());
  for (const Done& done : answered) done();
}

}  // namespace liveswap::master
