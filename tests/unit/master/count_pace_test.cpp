// When connections are counted: what it may cost, whatever they are. Pure; the clock is the test's.
#include "master/count_pace.hpp"

#include <doctest/doctest.h>

namespace liveswap::master {
namespace {

using namespace std::chrono_literals;
using core::Time;

constexpr Time at(core::Duration since) { return Time(since); }

TEST_CASE("what was never counted may be counted now") {
  const CountPace pace;
  CHECK(pace.may_count(1000) <= at(0s));
  CHECK(pace.next_count(1000) <= at(0s));
  CHECK_FALSE(pace.empty());
}

TEST_CASE("a count that took T is not repeated before 100 T, whatever has moved") {
  for (const core::Duration took : std::initializer_list<core::Duration>{40us, 1ms, 60ms, 2s}) {
    CountPace pace;
    pace.counted(at(1s), took, false);
    pace.looked(at(1s), 1us, true);
    CHECK(pace.may_count(1) == at(1s + 100 * took));
    CHECK(pace.next_count(1) == at(1s + std::max<core::Duration>(50ms, 100 * took)));
  }
}

TEST_CASE("all who share the time take 1 % of it together") {
  constexpr std::size_t kWorkers = 40;
  core::Duration spent{};
  Time now = at(0s);
  CountPace pace;
  for (int counts = 0; counts < 50; ++counts) {  // one of forty alike: all of them take forty times as much
    now = std::max(now, pace.next_count(kWorkers));
    pace.counted(now, 700us, false);
    pace.looked(now, 0us, true);
    spent += 700us;
  }
  CHECK(spent * kWorkers * 98 <= now.time_since_epoch());
}

TEST_CASE("where nothing has moved, a cheap look comes every 50 ms and a count every second") {
  CountPace pace;
  pace.counted(at(1s), 100us, false);
  CHECK(pace.next_look(1) == at(1050ms));
  CHECK(pace.next_count(1) == at(2s));
  pace.looked(at(1050ms), 2us, false);
  CHECK(pace.next_look(1) == at(1100ms));
  CHECK(pace.next_count(1) == at(2s));
  pace.looked(at(1100ms), 2us, true);
  CHECK(pace.next_count(1) == at(1050ms));
}

TEST_CASE("looks that are not cheap are rationed, too") {
  CountPace pace;
  pace.counted(at(1s), 100us, false);
  pace.looked(at(2s), 5ms, false);
  CHECK(pace.next_look(3) == at(3500ms));
}

TEST_CASE("what was seen before a drain began does not count") {
  CountPace pace;
  pace.counted(at(1s), 100us, true);
  pace.begin_anew();
  CHECK(pace.next_count(1) == at(1050ms));
  pace.counted(at(1050ms), 100us, true);
  CHECK_FALSE(pace.empty());
  pace.counted(at(1100ms), 100us, true);
  CHECK(pace.empty());
}

TEST_CASE("none left is believed twice in a row, 50 ms apart") {
  CountPace pace;
  pace.counted(at(1s), 100us, true);
  CHECK_FALSE(pace.empty());
  CHECK(pace.next_count(1) == at(1050ms));
  SUBCASE("nobody came") {
    pace.counted(at(1050ms), 100us, true);
    CHECK(pace.empty());
    CHECK(pace.next_count(1) == at(2050ms));
  }
  SUBCASE("somebody came") {
    pace.counted(at(1050ms), 100us, false);
    CHECK_FALSE(pace.empty());
    pace.counted(at(3s), 100us, true);
    CHECK_FALSE(pace.empty());
  }
}

}  // namespace
}  // namespace liveswap::master
