// Goal: a master that takes over goes on where the one before was, asks again for what that one was not answered, and
// refuses a state that cannot be. (Every step of every test of the core is another master's: see Stage::step.)
#include <doctest/doctest.h>

#include <vector>

#include "core/archive_reader.hpp"
#include "core/archive_writer.hpp"
#include "steering_stage.hpp"

using namespace stage;

namespace {

std::vector<std::byte> saved(const Core& core) {
  ArchiveWriter archive;
  core.save(archive);
  return {archive.bytes().begin(), archive.bytes().end()};
}

std::string problem_of(const std::vector<std::byte>& bytes) {
  ArchiveReader reader(bytes, kArchiveVersion);
  const auto core = Core::restore(reader);
  return core ? "" : core.error();
}

// Everything that a state can have: an upgrade under way, and a slot in back-off.
Stage busy() {
  Stage s({.second_app = true});
  s.run_web(policy_of(2));
  s.upgrade(policy_of(3));
  s.up(3);
  s.killed(1, 9);
  return s;
}

}  // namespace

TEST_CASE("a release that was being made is asked for again, with what its hook has chosen") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(UpgradeAsked{.request = RequestId{1}, .app = kWeb, .hook = true});
  s.step(HookEnded{.app = kWeb, .request = RequestId{1}, .ok = true, .target = "/srv/b"});
  ASKS(s.step(Resumed{}), R"(
    reassert listeners of web
    prepare web r2 for request 1 to /srv/b
  )");
}

TEST_CASE("a hook ends with its master, unless it is known to run on") {
  for (const bool runs : {true, false}) {
    Stage s;
    s.run_web(policy_of(1));
    s.step(UpgradeAsked{.request = RequestId{1}, .app = kWeb, .hook = true});
    const std::string asked = s.step(Resumed{runs ? std::vector{RequestId{1}} : std::vector<RequestId>{}});
    CHECK(asked.contains("the master ended while it ran") == !runs);
    CHECK(asked.contains("answer 1: failed") == !runs);
  }
}

TEST_CASE("listeners are bound, and queues waited for, by the new master") {
  Stage s;
  s.run_web(policy_of(1));
  s.step(StopAsked{.request = RequestId{1}, .app = kWeb});
  CHECK(s.step(Resumed{}).contains("quiesce listeners of web"));
  s.step(ListenersQuiet{kWeb});
  s.exited(1);
  s.step(StartAsked{.request = RequestId{2}, .app = kWeb});
  ASKS(s.step(Resumed{}), "open listeners of web");
  CHECK(s.step(ListenersOpened{kWeb}).contains("spawn w2"));
}

TEST_CASE("whoever may get new connections by an unanswered word may, until the next word is answered") {
  Stage s;
  upgrade_to_w2(s, steered_policy(1));
  ASKS(s.step(Resumed{}), R"(
    reassert listeners of web
    steer web to w2
  )");
  CHECK(s.web().generation == GenerationId{1});  // not yet
  CHECK(steered(s).contains("rollout_done"));
}

TEST_CASE("a worker that is being starved is watched by the new master") {
  Stage s;
  starve_w1(s, steered_policy(1));
  CHECK(s.step(Resumed{}).contains("starve w1"));
}

TEST_CASE("deadlines are kept, and those that passed meanwhile come at once") {
  Stage s;
  s.step(Begun{});
  s.prepared(1, policy_of(1));
  s.launched(1);
  s.step(Resumed{});
  CHECK(s.pass(30s).contains("ready_timeout"));
}

TEST_CASE("a state that ends early, or goes on, is refused") {
  const std::vector<std::byte> whole = saved(busy().core());
  REQUIRE(problem_of(whole).empty());
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    CHECK_FALSE(problem_of({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}).empty());
  }
}

TEST_CASE("whatever bits are flipped, a state is refused or is one that can be") {
  const std::vector<std::byte> whole = saved(busy().core());
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const unsigned bit : {0U, 3U, 7U}) {
      std::vector<std::byte> flipped = whole;
      flipped[at] ^= static_cast<std::byte>(1U << bit);
      ArchiveReader reader(flipped, kArchiveVersion);
      const auto core = Core::restore(reader);
      if (core) CHECK((*core)->snapshot().apps.size() <= 2);
    }
  }
}

TEST_CASE("contradictions are named") {
  Stage s;
  s.run_web(policy_of(1));
  std::vector<std::byte> bytes = saved(s.core());
  // The number of workers given out is the last field.
  std::fill(bytes.end() - 8, bytes.end(), std::byte{0});
  CHECK(problem_of(bytes) == "it contradicts itself: worker 1 cannot be");
}
