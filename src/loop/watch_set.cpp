#include "loop/watch_set.hpp"

#include <sys/epoll.h>

#include <array>
#include <span>
#include <utility>

#include "loop/handle.hpp"

namespace liveswap::loop {
namespace {

constexpr std::size_t kEventsATurn = 64;  // more are told in the next turn

bool wants_anything(Readiness wanted) { return wanted != Readiness{}; }

// The kernel tells of errors and hang-ups whether wanted or not. To a watch that wants nothing it tells them once, not
// again and again.
std::uint32_t events_of(Readiness wanted) {
  if (!wants_anything(wanted)) return EPOLLET;
  return (wanted.readable ? EPOLLIN : 0U) | (wanted.writable ? EPOLLOUT : 0U) | (wanted.urgent ? EPOLLPRI : 0U);
}

// After an error or a hang-up, whatever is tried next will tell it. Files of the kernel say EPOLLERR with EPOLLPRI.
Readiness readiness_of(std::uint32_t events, Readiness wanted) {
  const bool broken = (events & EPOLLHUP) != 0 || (events & (EPOLLERR | EPOLLPRI)) == EPOLLERR;
  if (broken) return wanted;
  return {.readable = wanted.readable && (events & EPOLLIN) != 0,
          .writable = wanted.writable && (events & EPOLLOUT) != 0,
          .urgent = wanted.urgent && (events & EPOLLPRI) != 0};
}

int control(os::FdRef epoll, int operation, os::FdRef fd, Readiness wanted, WatchSet::Id id) {
  epoll_event event{};
  event.events = events_of(wanted);
  event.data.u64 = id;
  return ::epoll_ctl(epoll.get(), operation, fd.get(), &event);
}

}  // namespace

struct WatchSet::Watched {
  os::FdRef fd;
  Readiness wanted;
  FdWatch::Callback callback;
};

struct WatchSet::Poll : HandleState<uv_poll_t, std::function<void()>> {
  using HandleState::HandleState;
};

void WatchSet::Close::operator()(Poll* poll) const { poll->close(); }

os::Result<std::unique_ptr<WatchSet>> WatchSet::open(uv_loop_s* loop) {
  os::OwnedFd epoll{os::adopt, ::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll) return os::fail("epoll_create1");
  std::unique_ptr<WatchSet> set(new WatchSet(std::move(epoll)));
  auto poll = std::make_unique<Poll>([self = set.get()] { self->call_ready(); });
  if (const int code = uv_poll_init(loop, &poll->handle, set->epoll_.get()); code != 0) {
    return os::fail_with(-code, "uv_poll_init");
  }
  uv_poll_start(&poll->handle, UV_READABLE, [](uv_poll_t* handle, int, int) { Poll::of(handle)->callback(); });
  uv_unref(reinterpret_cast<uv_handle_t*>(&poll->handle));
  set->poll_.reset(poll.release());
  return set;
}

WatchSet::WatchSet(os::OwnedFd epoll) : epoll_(std::move(epoll)) {}
WatchSet::~WatchSet() = default;

void WatchSet::close() { poll_.reset(); }

std::expected<WatchSet::Id, int> WatchSet::add(os::FdRef fd, Readiness wanted, FdWatch::Callback callback) {
  if (control(epoll_, EPOLL_CTL_ADD, fd, wanted, last_ + 1) == -1) return std::unexpected(errno);
  watched_.emplace(++last_, std::make_shared<Watched>(Watched{fd, wanted, std::move(callback)}));
  count_wanting(false, wants_anything(wanted));
  return last_;
}

void WatchSet::want(Id id, Readiness wanted) {
  Watched& watched = *watched_.at(id);
  if (watched.wanted == wanted) return;
  count_wanting(wants_anything(watched.wanted), wants_anything(wanted));
  watched.wanted = wanted;
  control(epoll_, EPOLL_CTL_MOD, watched.fd, wanted, id);
}

void WatchSet::remove(Id id) {
  const auto found = watched_.find(id);
  const Watched& watched = *found->second;
  count_wanting(wants_anything(watched.wanted), false);
  control(epoll_, EPOLL_CTL_DEL, watched.fd, {}, id);
  watched_.erase(found);
}

void WatchSet::count_wanting(bool before, bool after) {
  const bool kept_running = wanting_ > 0;
  wanting_ += (after ? 1U : 0U);
  wanting_ -= (before ? 1U : 0U);
  if (!poll_ || kept_running == (wanting_ > 0)) return;
  auto* handle = reinterpret_cast<uv_handle_t*>(&poll_->handle);
  wanting_ > 0 ? uv_ref(handle) : uv_unref(handle);
}

void WatchSet::call_ready() {
  std::array<epoll_event, kEventsATurn> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(count > 0 ? count : 0))) {
    const auto found = watched_.find(event.data.u64);
    if (found == watched_.end()) continue;                     // an earlier callback has ended it
    const std::shared_ptr<Watched> watched = found->second;  // its callback may end it
    const Readiness ready = readiness_of(event.events, watched->wanted);
    if (wants_anything(ready)) watched->callback(ready);
  }
}

}  // namespace liveswap::loop
