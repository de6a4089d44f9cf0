// What is known of connections from one count to the next. Pure.
#include "master/known_connections.hpp"

#include <doctest/doctest.h>

namespace liveswap::master {
namespace {

using namespace std::chrono_literals;
using core::Time;

constexpr Time at(core::Duration since) { return Time(since); }

OpenConnection open(std::uint64_t cookie, std::optional<os::Age> age = std::nullopt) {
  OpenConnection connection;
  connection.facts.cookie = cookie;
  connection.facts.age = age;
  return connection;
}

Counted counted(std::vector<OpenConnection> connections, std::uint32_t queued = 0) {
  return {.connections = std::move(connections), .queued = queued, .descriptors = {}};
}

TEST_CASE("nothing is known before a count, and none is not the same") {
  KnownConnections known;
  CHECK_FALSE(known.count().has_value());
  CHECK(known.oldest() == nullptr);
  known.learn(counted({}), at(1s));
  CHECK(known.count() == 0U);
  CHECK(known.oldest() == nullptr);
}

TEST_CASE("who waits in a queue of the worker's own counts") {
  KnownConnections known;
  known.learn(counted({open(1), open(2)}, 3), at(1s));
  CHECK(known.count() == 5U);
  CHECK(known.connections().size() == 2);
}

TEST_CASE("an age is the longest that was ever seen") {
  KnownConnections known;
  known.learn(counted({open(7, os::Age{2s, false}), open(3)}), at(100s));
  CHECK(known.oldest()->facts.cookie == 7);
  CHECK(known.oldest()->born == at(98s));
  CHECK_FALSE(known.oldest()->born_exact);
  known.learn(counted({open(3, os::Age{1s, false}), open(7, os::Age{1ms, false})}), at(200s));
  CHECK(known.oldest()->born == at(98s));
  known.learn(counted({open(3, os::Age{1ms, false})}), at(300s));
  CHECK(known.oldest()->facts.cookie == 3);
  CHECK(known.oldest()->born == at(100s));
  known.learn(counted({open(3, os::Age{250s, false})}), at(300s));
  CHECK(known.oldest()->born == at(50s));
}

TEST_CASE("an age that is exact stays, whatever bounds come later") {
  KnownConnections known;
  known.learn(counted({open(7, os::Age{2s, true})}), at(100s));
  known.learn(counted({open(7, os::Age{1ms, false})}), at(200s));
  CHECK(known.oldest()->born == at(98s));
  CHECK(known.oldest()->born_exact);
}

TEST_CASE("what cannot be counted is unknown, and known again when it can") {
  KnownConnections known;
  known.learn(counted({open(7)}), at(1s));
  known.lose("PID 7: pidfd_getfd(5): Operation not permitted");
  CHECK_FALSE(known.count().has_value());
  CHECK(known.oldest() == nullptr);
  CHECK(known.why_unknown() == "PID 7: pidfd_getfd(5): Operation not permitted");
  known.learn(counted({open(7)}), at(2s));
  CHECK(known.count() == 1U);
  CHECK(known.why_unknown().empty());
}

}  // namespace
}  // namespace liveswap::master
