// The methods of the control interface against a master that only remembers what it was asked.
#pragma once

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "fake_operations.hpp"
#include "master/commands.hpp"

namespace liveswap::master::test {

using wire::Json;
using wire::control::Level;

struct Recorded final : Replies {
  std::vector<wire::varlink::Reply> all;
  bool is_congested = false;
  void send(const wire::varlink::Reply& reply) override { all.push_back(reply); }
  bool congested() const override { return is_congested; }
};

struct Bench {
  FakeOperations master;
  Recorded replies;
  Level level = Level::admins;

  std::unique_ptr<Pending> call(const std::string& method, const char* parameters = "{}", bool more = false) {
    const std::string name =
        method.find('.') == std::string::npos ? "org.liveswap.Control." + method : method;
    const wire::varlink::Call call{.method = name, .parameters = Json::parse(parameters), .more = more};
    return answer_call({master, call, level, 1000, replies});
  }
  // The only reply, as "ERROR {…}" or "{…}".
  std::string reply_to(const std::string& method, const char* parameters = "{}") {
    const auto pending = call(method, parameters);
    CHECK_FALSE(pending);
    REQUIRE(replies.all.size() == 1);
    const auto reply = std::exchange(replies.all, {}).front();
    CHECK_FALSE(reply.continues);
    return (reply.error.empty() ? "" : reply.error + " ") + reply.parameters.dump();
  }
  // Of a refusal: "ERROR reason: text".
  std::string refusal_of(const std::string& method, const char* parameters = "{}") {
    const auto pending = call(method, parameters);
    CHECK_FALSE(pending);
    REQUIRE(replies.all.size() == 1);
    const auto reply = std::exchange(replies.all, {}).front();
    const Json outcome = reply.parameters.value("outcome", Json::object());
    return reply.error.substr(reply.error.rfind('.') + 1) + " " + outcome.value("reason", "") + ": " +
           outcome.value("text", "");
  }
  template <class Event>
  Event only_event() {
    REQUIRE(master.posted.size() == 1);
    REQUIRE(std::holds_alternative<Event>(master.posted.front()));
    return std::get<Event>(master.posted.front());
  }
};

inline Told told(std::string text, std::uint64_t app = 1, std::string name = "web") {
  Told out{.number = 1, .app = std::move(name), .text = std::move(text)};
  out.note.app = core::AppId{app};
  return out;
}

}  // namespace liveswap::master::test
