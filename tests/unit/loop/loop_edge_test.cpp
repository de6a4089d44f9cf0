// What must not happen: wake-ups of an idle loop, calls for what is gone, spinning, handles left behind.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <memory>
#include <utility>

#include "loop/deferred.hpp"
#include "loop/fd_watch.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"

using namespace liveswap;
using namespace std::chrono_literals;

namespace {

struct Pipe {
  os::OwnedFd in, out;
  Pipe() {
    std::array<int, 2> fds{};
    REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
    in = os::OwnedFd{os::adopt, fds[0]};
    out = os::OwnedFd{os::adopt, fds[1]};
  }
  void fill() const { REQUIRE(::write(out.get(), "x", 1) == 1); }
};

std::unique_ptr<loop::FdWatch> watch(loop::Loop& loop, os::FdRef fd, loop::FdWatch::Callback callback) {
  return std::move(loop::FdWatch::open(loop, fd, {.readable = true}, std::move(callback)).value());
}

}  // namespace

TEST_CASE("a loop that only watches sleeps without end, also after a deferred callback has run") {
  loop::Loop loop;
  const Pipe pipe;
  const auto watching = watch(loop, pipe.in, [](loop::Readiness) {});
  loop::Timer timer(loop, [] {});
  bool ran = false;
  loop::Deferred deferred(loop, [&] { ran = true; });
  constexpr int kForEver = -1;
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  CHECK(uv_backend_timeout(loop.raw()) == kForEver);

  deferred.schedule();
  CHECK(uv_backend_timeout(loop.raw()) == 0);
  uv_run(loop.raw(), UV_RUN_NOWAIT);
  CHECK(ran);
  CHECK(uv_backend_timeout(loop.raw()) == kForEver);

  timer.start_after(1h);
  CHECK(uv_backend_timeout(loop.raw()) > 3'500'000);
  timer.stop();
  CHECK(uv_backend_timeout(loop.raw()) == kForEver);
}

TEST_CASE("the clock is CLOCK_MONOTONIC, read at once") {
  const loop::Loop loop;
  const auto monotonic = [] {
    timespec time{};
    REQUIRE(::clock_gettime(CLOCK_MONOTONIC, &time) == 0);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  const auto before = std::chrono::floor<std::chrono::microseconds>(monotonic());
  const auto now = loop.now();
  CHECK(now >= before);
  CHECK(now <= monotonic());
}

TEST_CASE("a loop with nothing left to wait for returns instead of spinning") {
  loop::Loop loop;
  loop.run();
  int runs = 0;
  loop::Deferred deferred(loop, [&] { ++runs; });
  deferred.schedule();
  loop.run();
  CHECK(runs == 1);
}

TEST_CASE("a descriptor has one watch at a time") {
  loop::Loop loop;
  const Pipe pipe;
  auto first = watch(loop, pipe.in, [](loop::Readiness) {});
  const auto second = loop::FdWatch::open(loop, pipe.in, {.readable = true}, [](loop::Readiness) {});
  REQUIRE(!second);
  CHECK(second.error().message() == "watch(" + std::to_string(pipe.in.get()) + "): File exists");
  first.reset();
  CHECK(loop::FdWatch::open(loop, pipe.in, {.readable = true}, [](loop::Readiness) {}).has_value());
}

TEST_CASE("a file that cannot be waited for is an error") {
  loop::Loop loop;
  const os::OwnedFd file{os::adopt, ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
  const auto watched = loop::FdWatch::open(loop, file, {.readable = true}, [](loop::Readiness) {});
  REQUIRE(!watched);
  CHECK(watched.error().message() == "watch(" + std::to_string(file.get()) + "): Operation not permitted");
}

TEST_CASE("a number that is used again in the same turn gets no call that was meant for its predecessor") {
  loop::Loop loop;
  std::array<Pipe, 2> ready;
  const Pipe quiet;
  std::array<std::unique_ptr<loop::FdWatch>, 2> watches;
  std::unique_ptr<loop::FdWatch> successor;
  int calls = 0;
  bool wrong_call = false;
  for (std::size_t i = 0; i < 2; ++i) {
    ready[i].fill();
    watches[i] = watch(loop, ready[i].in, [&, i](loop::Readiness) {
      ++calls;
      const std::size_t other = 1 - i;
      const int number = ready[other].in.get();
      watches[other].reset();
      ready[other].in.reset();
      ready[other].in = os::OwnedFd{os::adopt, ::dup3(quiet.in.get(), number, O_CLOEXEC)};
      successor = watch(loop, ready[other].in, [&](loop::Readiness) { wrong_call = true; });
      watches[i].reset();
    });
  }
  loop::Timer end(loop, [&] { loop.stop(); });
  end.start_after(5ms);
  loop.run();
  CHECK(calls == 1);
  CHECK_FALSE(wrong_call);
  successor.reset();  // before its descriptor is closed
}

TEST_CASE("a timer may be started again from its own callback, and each time keeps its deadline") {
  loop::Loop loop;
  std::chrono::microseconds deadline{};
  int fired = 0;
  std::unique_ptr<loop::Timer> timer;
  timer = std::make_unique<loop::Timer>(loop, [&] {
    CHECK(loop.now() >= deadline);
    if (++fired == 3) return timer.reset();
    deadline = loop.now() + 1500us;
    timer->start_at(deadline);
  });
  deadline = loop.now() - 1s;  // long past: fires at once
  timer->start_at(deadline);
  loop.run();
  CHECK(fired == 3);
}

TEST_CASE("a callback that owns another handle frees it with itself, and the loop still closes") {
  const Pipe pipe;
  auto loop = std::make_unique<loop::Loop>();
  auto inner = std::make_shared<loop::Timer>(*loop, [] {});
  inner->start_after(1h);
  auto outer = watch(*loop, pipe.in, [inner](loop::Readiness) {});
  inner.reset();
  outer.reset();
  loop.reset();
}

TEST_CASE("a borrowed loop is its owner's to close") {
  uv_loop_t theirs;
  REQUIRE(uv_loop_init(&theirs) == 0);
  {
    loop::Loop loop(&theirs);
    bool fired = false;
    loop::Timer timer(loop, [&] {
      fired = true;
      loop.stop();
    });
    timer.start_after(0ms);
    loop.run();
    CHECK(fired);
  }
  uv_run(&theirs, UV_RUN_NOWAIT);
  CHECK(uv_loop_close(&theirs) == 0);
}

TEST_CASE("on a borrowed loop ours and theirs call back in turn, and theirs go on when ours are gone") {
  uv_loop_t theirs;
  REQUIRE(uv_loop_init(&theirs) == 0);
  uv_timer_t their_timer;
  uv_timer_init(&theirs, &their_timer);
  int ticks = 0;
  their_timer.data = &ticks;
  uv_timer_start(&their_timer, [](uv_timer_t* timer) { ++*static_cast<int*>(timer->data); }, 1, 1);

  auto ours = loop::Loop::open(&theirs).value();
  const Pipe pipe;
  pipe.fill();
  int reads = 0;
  auto watching = watch(*ours, pipe.in, [&](loop::Readiness) { ++reads; });
  bool deferred_ran = false;
  auto deferred = std::make_unique<loop::Deferred>(*ours, [&] { deferred_ran = true; });
  deferred->schedule();
  while (ticks < 2 || reads < 2 || !deferred_ran) ours->run_once();

  deferred.reset();
  watching.reset();
  ours.reset();
  const int reads_at_the_end = reads;
  const int ticks_at_the_end = ticks;
  while (ticks < ticks_at_the_end + 2) uv_run(&theirs, UV_RUN_ONCE);
  CHECK(reads == reads_at_the_end);
  uv_close(reinterpret_cast<uv_handle_t*>(&their_timer), nullptr);
  CHECK(uv_run(&theirs, UV_RUN_DEFAULT) == 0);
  CHECK(uv_loop_close(&theirs) == 0);
}

TEST_CASE("a loop in a process without descriptors is an error") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto own = loop::Loop::open();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FALSE(own.has_value());
  CHECK(own.error().code == EMFILE);
}
