// The loop's three handles on a real loop; what ends each test is an event or a deadline of the loop itself.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "loop/deferred.hpp"
#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"

using namespace liveswap;
using namespace std::chrono_literals;

namespace {

struct Pair {
  os::OwnedFd ours, theirs;
  Pair() {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) == 0);
    ours = os::OwnedFd{os::adopt, fds[0]};
    theirs = os::OwnedFd{os::adopt, fds[1]};
  }
};

void write_byte(os::FdRef fd) { REQUIRE(::write(fd.get(), "x", 1) == 1); }

}  // namespace

TEST_CASE("a timer never fires before its deadline") {
  loop::Loop loop;
  for (int round = 0; round < 20; ++round) {
    const auto deadline = loop.now() + 1ms + std::chrono::microseconds(round * 137);
    loop::Timer timer(loop, [&] { loop.stop(); });
    timer.start_at(deadline);
    loop.run();
    CHECK(loop.now() >= deadline);
  }
}

TEST_CASE("timers fire in the order of their deadlines, and a stopped one does not") {
  loop::Loop loop;
  std::vector<std::string> fired;
  loop::Timer last(loop, [&] { loop.stop(); });
  loop::Timer second(loop, [&] { fired.emplace_back("second"); });
  loop::Timer first(loop, [&] { fired.emplace_back("first"); });
  loop::Timer stopped(loop, [&] { fired.emplace_back("stopped"); });
  const auto start = loop.now();
  last.start_at(start + 9ms);
  second.start_at(start + 6ms);
  first.start_at(start + 3ms);
  stopped.start_at(start + 3ms);
  stopped.stop();
  loop.run();
  CHECK(fired == std::vector<std::string>{"first", "second"});
}

TEST_CASE("a timer may destroy itself, or another that is due, from its callback") {
  loop::Loop loop;
  bool other_fired = false;
  auto other = std::make_unique<loop::Timer>(loop, [&] { other_fired = true; });
  std::unique_ptr<loop::Timer> self;
  self = std::make_unique<loop::Timer>(loop, [&] {
    other.reset();
    self.reset();
  });
  loop::Timer end(loop, [&] { loop.stop(); });
  const auto due = loop.now() + 2ms;
  self->start_at(due);
  other->start_at(due);
  end.start_at(due + 5ms);
  loop.run();
  CHECK_FALSE(other_fired);
  CHECK(self == nullptr);
}

TEST_CASE("a deferred callback runs once for many schedules, after the present callback") {
  loop::Loop loop;
  std::vector<std::string> order;
  loop::Deferred deferred(loop, [&] {
    order.emplace_back("deferred");
    loop.stop();
  });
  loop::Timer timer(loop, [&] {
    deferred.schedule();
    deferred.schedule();
    order.emplace_back("timer");
  });
  timer.start_after(0ms);
  loop.run();
  CHECK(order == std::vector<std::string>{"timer", "deferred"});
}

TEST_CASE("a deferred may schedule itself again and destroy itself") {
  loop::Loop loop;
  int runs = 0;
  std::unique_ptr<loop::Deferred> deferred;
  deferred = std::make_unique<loop::Deferred>(loop, [&] {
    if (++runs < 3) {
      deferred->schedule();
    } else {
      deferred.reset();
      loop.stop();
    }
  });
  deferred->schedule();
  loop.run();
  CHECK(runs == 3);
}

TEST_CASE("a watch tells of data again until it is read, then of the end") {
  loop::Loop loop;
  Pair pair;
  int calls = 0;
  write_byte(pair.theirs);
  auto watch = loop::FdWatch::open(loop, pair.ours, {.readable = true}, [&](loop::Readiness ready) {
    CHECK(ready == loop::Readiness{.readable = true});
    ++calls;
    if (calls < 3) return;
    char byte = 0;
    const ssize_t got = ::read(pair.ours.get(), &byte, 1);
    if (got == 1) pair.theirs.reset();
    if (got == 0) loop.stop();
  });
  REQUIRE(watch);
  loop.run();
  CHECK(calls == 4);
}

TEST_CASE("a watch may destroy itself and another that is ready") {
  loop::Loop loop;
  Pair one, two;
  std::unique_ptr<loop::FdWatch> first, second;
  int calls = 0;
  const auto both_die = [&](loop::Readiness) {
    ++calls;
    first.reset();
    second.reset();
  };
  first = std::move(loop::FdWatch::open(loop, one.ours, {.readable = true}, both_die).value());
  second = std::move(loop::FdWatch::open(loop, two.ours, {.readable = true}, both_die).value());
  write_byte(one.theirs);
  write_byte(two.theirs);
  loop::Timer end(loop, [&] { loop.stop(); });
  end.start_after(5ms);
  loop.run();
  CHECK(calls == 1);
}

TEST_CASE("a watch that wants nothing is silent, and wants again later") {
  loop::Loop loop;
  Pair pair;
  write_byte(pair.theirs);
  bool quiet = true;
  std::unique_ptr<loop::FdWatch> watch;
  watch = std::move(loop::FdWatch::open(loop, pair.ours, {}, [&](loop::Readiness ready) {
                      CHECK_FALSE(quiet);
                      CHECK(ready.writable);
                      loop.stop();
                    }).value());
  loop::Timer timer(loop, [&] {
    quiet = false;
    watch->want({.writable = true});
  });
  timer.start_after(3ms);
  loop.run();
}

TEST_CASE("a watch that wants nothing does not keep the loop busy over a peer that is gone") {
  loop::Loop loop;
  Pair pair;
  int calls = 0;
  auto watch = std::move(loop::FdWatch::open(loop, pair.ours, {}, [&](loop::Readiness) {
                           ++calls;
                           loop.stop();
                         }).value());
  pair.theirs.reset();
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  CHECK(calls == 0);
  CHECK(uv_run(loop.raw(), UV_RUN_DEFAULT) == 0);  // nothing is waited for
  watch->want({.readable = true});
  loop.run();
  CHECK(calls == 1);
}

TEST_CASE("what cannot be watched is an error that names the descriptor") {
  loop::Loop loop;
  const auto watch = loop::FdWatch::open(loop, os::FdRef(-1), {.readable = true}, [](loop::Readiness) {});
  REQUIRE_FALSE(watch);
  CHECK(watch.error().message() == "watch(-1): Bad file descriptor");
}

TEST_CASE("handles destroyed before their loop leave nothing behind") {
  Pair pair;
  {
    loop::Loop loop;
    loop::Timer timer(loop, [] {});
    timer.start_after(1h);
    loop::Deferred deferred(loop, [] {});
    deferred.schedule();
    auto watch = loop::FdWatch::open(loop, pair.ours, {.readable = true}, [](loop::Readiness) {});
    REQUIRE(watch);
  }
  CHECK(os::is_open(pair.ours));  // borrowed: still its owner's
}
