// Message, which is answered when the workers have been told: against a master that only remembers.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fake_operations.hpp"
#include "master/commands.hpp"

namespace liveswap::master {
namespace {

using test::FakeOperations;
using wire::Json;
using wire::control::Level;

struct Recorded final : Replies {
  std::vector<wire::varlink::Reply> all;
  void send(const wire::varlink::Reply& reply) override { all.push_back(reply); }
  bool congested() const override { return false; }
};

struct Bench {
  FakeOperations master;
  Recorded replies;

  std::unique_ptr<Pending> call(const std::string& parameters) {
    const wire::varlink::Call call{.method = "org.liveswap.Control.Message", .parameters = Json::parse(parameters)};
    return answer_call({master, call, Level::operators, 1000, replies});
  }
  // The only reply since the last one, as "ERROR {…}" or "{…}"; of a failure its code and text.
  std::string reply() {
    REQUIRE(replies.all.size() == 1);
    const auto reply = std::exchange(replies.all, {}).front();
    if (reply.error.empty()) return reply.parameters.dump();
    const auto outcome = reply.parameters.find("outcome");
    if (outcome == reply.parameters.end()) return reply.error + " " + reply.parameters.dump();
    return reply.error.substr(reply.error.rfind('.') + 1) + " " + outcome->value("reason", "") + ": " +
           outcome->value("text", "");
  }
  std::string refusal_of(const std::string& parameters) {
    CHECK_FALSE(call(parameters));
    return reply();
  }
};

TEST_CASE("a message has 1 to 65534 bytes, and no NUL") {
  Bench bench;
  CHECK(bench.refusal_of(R"({"text": ""})") == "BadUsage bad_argument: a message has 1 to 65534 bytes, this one 0");
  CHECK(bench.refusal_of(R"({"text": ")" + std::string(65535, 'x') + R"("})") ==
        "BadUsage bad_argument: a message has 1 to 65534 bytes, this one 65535");
  for (const char* parameters : {"{}", R"({"text": 1})", R"({"text": "a\u0000b"})"}) {
    CHECK(bench.refusal_of(parameters) == R"(org.varlink.service.InvalidParameter {"parameter":"text"})");
  }
  CHECK(bench.refusal_of(R"({"app": "shop", "text": "hello"})").starts_with("BadUsage no_such_app: "));
  CHECK(bench.master.messages.empty());
}

TEST_CASE("it is answered when it is known who was told") {
  Bench bench;
  const auto pending = bench.call(R"({"app": "web", "text": "hello"})");
  CHECK(bench.master.messages == std::vector<std::string>{"hello"});
  CHECK(bench.replies.all.empty());
  SUBCASE("some") {
    bench.master.message_handlers.back()({.reached = 1, .workers = 2});
    CHECK(bench.reply() == R"({"reached":1,"workers":2})");
  }
  SUBCASE("none") {
    bench.master.message_handlers.back()({.reached = 0, .workers = 2});
    CHECK(bench.reply() == "Failed message_failed: no worker could be told the message: told none of 2 workers");
  }
}

TEST_CASE("a client that has gone is not answered") {
  Bench bench;
  bench.call(R"({"text": "hello"})").reset();
  bench.master.message_handlers.back()({.reached = 2, .workers = 2});
  CHECK(bench.replies.all.empty());
}

}  // namespace
}  // namespace liveswap::master
