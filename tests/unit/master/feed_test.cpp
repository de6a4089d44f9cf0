#include "master/feed.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using liveswap::master::Feed;

namespace {

struct Thing {
  std::uint64_t number = 0;
  std::string app;
};

void add(Feed<Thing>& feed, std::string app) {
  Thing thing{0, std::move(app)};
  feed.add(thing);
}

}  // namespace

TEST_CASE("a feed remembers the last items, numbered, oldest first") {
  Feed<Thing> feed(3);
  for (const char* app : {"a", "b", "a", "b", "a"}) add(feed, app);
  const auto all = feed.last(10, [](const Thing&) { return true; });
  REQUIRE(all.size() == 3);
  CHECK(all.front().number == 3);
  CHECK(all.back().number == 5);
  const auto of_a = feed.last(1, [](const Thing& thing) { return thing.app == "a"; });
  REQUIRE(of_a.size() == 1);
  CHECK(of_a.front().number == 5);
}

TEST_CASE("a follower is told of what comes, already numbered") {
  Feed<Thing> feed(3);
  add(feed, "before");
  std::vector<std::uint64_t> heard;
  (void)feed.followers().follow([&](const Thing& thing) { heard.push_back(thing.number); });
  add(feed, "a");
  add(feed, "b");
  CHECK(heard == std::vector<std::uint64_t>{2, 3});
}
