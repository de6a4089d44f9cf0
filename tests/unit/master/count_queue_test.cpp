// Goal: workers are counted one after the other, and the loop turns meanwhile. Method: children with very many sockets.
#include "master/count_queue.hpp"

#include <doctest/doctest.h>

#include <utility>

#include "../os/processes.hpp"
#include "../os/sockets.hpp"
#include "loop/timer.hpp"

namespace liveswap::master {
namespace {

using namespace std::chrono_literals;
using os::test::Child;
using os::test::must;

constexpr int kMany = 4000;

struct Many {
  os::test::Listener listener = os::test::listening(os::test::loopback());
  os::OwnedFd client = os::test::connected(listener.address);
  os::OwnedFd server = std::move(must(os::accept_connection(listener.socket))->socket);
  Child child{copies()};

  os::SpawnRequest copies() const {
    os::SpawnRequest request = os::test::shell("exec sleep 60");
    for (int number = 10; number < 10 + kMany; ++number) request.fds.push_back({server, number});
    return request;
  }
  CountTask task() const {
    CountTask task;
    task.processes.push_back({child.pid(), must(os::dup_cloexec(child.pidfd()))});
    task.listeners.push_back(listener.address);
    return task;
  }
};

struct Ended {
  core::WorkerId worker;
  std::optional<CountResult> result;
};

struct Queue {
  Many many;
  loop::Loop loop;
  std::vector<Ended> ended;
  CountQueue queue{loop,
                   [this](core::WorkerId worker) {
                     return worker.value < 10 ? std::optional(many.task()) : std::nullopt;
                   },
                   [this](core::WorkerId worker, std::optional<CountResult> result, core::Duration took) {
                     CHECK((took > 0us || !result));
                     ended.push_back({worker, std::move(result)});
                     if (queue.idle()) loop.stop();
                   }};
};

TEST_CASE("copies of one connection are one, and the loop turns while they are looked at") {
  Queue it;
  int turns = 0;
  loop::Timer other(it.loop, [&] {
    ++turns;
    other.start_after(0us);
  });
  other.start_after(0us);
  it.queue.add(core::WorkerId{1});
  it.loop.run();
  REQUIRE(it.ended.size() == 1);
  REQUIRE(it.ended[0].result->has_value());
  CHECK((*it.ended[0].result)->connections.size() == 1);
  CHECK((*it.ended[0].result)->certain);
  CHECK(turns > 2);
}

TEST_CASE("workers have their turns in order, each once, and one that is gone is told as that") {
  Queue it;
  for (const std::uint64_t worker : {2U, 11U, 1U, 2U}) it.queue.add(core::WorkerId{worker});
  CHECK(it.queue.has(core::WorkerId{11}));
  it.loop.run();
  REQUIRE(it.ended.size() == 3);
  CHECK(it.ended[0].worker == core::WorkerId{2});
  CHECK(it.ended[1].worker == core::WorkerId{11});
  CHECK_FALSE(it.ended[1].result.has_value());
  CHECK(it.ended[2].worker == core::WorkerId{1});
  CHECK_FALSE(it.queue.has(core::WorkerId{2}));
}

TEST_CASE("a count right now gives up when it takes too long") {
  Queue it;
  CHECK_FALSE(it.queue.count_now(core::WorkerId{1}, 1ms).has_value());
  const auto counted = it.queue.count_now(core::WorkerId{1}, 30s);
  REQUIRE(counted);
  CHECK((*counted)->connections.size() == 1);
  CHECK_FALSE(it.queue.count_now(core::WorkerId{11}, 30s).has_value());
}

}  // namespace
}  // namespace liveswap::master
