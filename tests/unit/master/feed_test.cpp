#include "master/feed.hpp"

#include <doctest/doctest.h>

#include <string>

using liveswap::master::Feed;

namespace {

struct Thing {
  std::uint64_t number = 0;
  std::string app;
};

}  // namespace

TEST_CASE("a feed remembers the last items, numbered, oldest first") {
  Feed<Thing> feed(3);
  for (const char* app : {"a", "b", "a", "b", "a"}) feed.add({0, app});
  const auto all = feed.last(10, [](const Thing&) { return true; });
  REQUIRE(all.size() == 3);
  CHECK(all.front().number == 3);
  CHECK(all.back().number == 5);
  const auto of_a = feed.last(1, [](const Thing& thing) { return thing.app == "a"; });
  REQUIRE(of_a.size() == 1);
  CHECK(of_a.front().number == 5);
}

TEST_CASE("a follower may leave while it is told, and others still hear") {
  Feed<Thing> feed(3);
  int first = 0, second = 0;
  Feed<Thing>::Id id = 0;
  id = feed.follow([&](const Thing&) {
    ++first;
    feed.unfollow(id);
  });
  (void)feed.follow([&](const Thing&) { ++second; });
  feed.add({0, "a"});
  feed.add({0, "b"});
  CHECK(first == 1);
  CHECK(second == 2);
}
