// The descriptors that a loop watches: one epoll set of our own, of which libuv sees a single descriptor. So to begin a
// watch is one system call, and to end it another; libuv makes five, and an upgrade begins and ends five watches for
// each worker. Private to src/loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "loop/fd_watch.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

namespace liveswap::loop {

class WatchSet {
 public:
  using Id = std::uint64_t;

  [[nodiscard]] static os::Result<std::unique_ptr<WatchSet>> open(uv_loop_s* loop);
  ~WatchSet();
  WatchSet(const WatchSet&) = delete;
  WatchSet& operator=(const WatchSet&) = delete;

  // The error is errno's.
  [[nodiscard]] std::expected<Id, int> add(os::FdRef fd, Readiness wanted, FdWatch::Callback callback);
  void want(Id id, Readiness wanted);
  void remove(Id id);

  void close();  // calls nobody any more; watches may still be removed

 private:
  struct Watched;
  struct Poll;
  struct Close {
    void operator()(Poll* poll) const;
  };

  explicit WatchSet(os::OwnedFd epoll);
  void call_ready();
  void count_wanting(bool before, bool after);

  os::OwnedFd epoll_;
  std::map<Id, std::shared_ptr<Watched>> watched_;
  Id last_ = 0;
  std::size_t wanting_ = 0;  // watches that want anything: these keep the loop running
  std::unique_ptr<Poll, Close> poll_;
};

}  // namespace liveswap::loop
