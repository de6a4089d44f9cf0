// Varlink's framing and messages: every cut of a stream gives the same messages, and nothing that is not a
// call is one.
#include "wire/varlink.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace liveswap::wire::varlink {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::vector<std::string> drain(Splitter& splitter) {
  std::vector<std::string> messages;
  while (auto message = splitter.next()) messages.push_back(std::move(*message));
  return messages;
}

std::string call_error(std::string_view message) {
  const auto call = parse_call(message);
  return call ? "none" : std::string(call.error().reason);
}

std::string reply_error(std::string_view message) {
  const auto reply = parse_reply(message);
  return reply ? "none" : std::string(reply.error().reason);
}

TEST_CASE("a stream gives the same messages wherever it is cut") {
  const std::string stream = "one\0two two\0\0three\0rest"s;
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    CAPTURE(step);
    Splitter splitter(16);
    std::vector<std::string> messages;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      REQUIRE(splitter.feed(std::string_view(stream).substr(at, step)));
      for (auto& message : drain(splitter)) messages.push_back(std::move(message));
    }
    CHECK(messages == std::vector<std::string>{"one", "two two", "", "three"});
    CHECK(splitter.held() == 4);
  }
}

TEST_CASE("messages that nobody has taken yet are held, and counted") {
  Splitter splitter(16);
  REQUIRE(splitter.feed("a\0bc\0d"sv));
  CHECK(splitter.held() == 6);
  CHECK(splitter.next() == "a");
  CHECK(splitter.held() == 4);
  REQUIRE(splitter.feed("e\0"sv));
  CHECK(drain(splitter) == std::vector<std::string>{"bc", "de"});
  CHECK(splitter.held() == 0);
}

TEST_CASE("a message is refused at the first byte too many, whether its end is there or not") {
  Splitter exact(4);
  CHECK(exact.feed("1234\0"sv));
  Splitter whole(4);
  CHECK_FALSE(whole.feed("12345\0"sv));
  Splitter part(4);
  CHECK(part.feed("12"));
  CHECK(part.feed("34"));
  const auto result = part.feed("5");
  REQUIRE_FALSE(result);
  CHECK(result.error().reason == "the message is too long");
  Splitter second(4);
  CHECK_FALSE(second.feed("a\0bcdef"sv));
}

TEST_CASE("a call is read with everything that it may have") {
  const auto call =
      parse_call(R"({"method":"a.b.C","parameters":{"x":1},"more":true,"oneway":false,"new":7})");
  REQUIRE(call);
  CHECK(call->method == "a.b.C");
  CHECK(call->parameters == Json{{"x", 1}});
  CHECK(call->more);
  CHECK_FALSE(call->oneway);
  CHECK_FALSE(call->upgrade);
}

TEST_CASE("a call's parameters may be left out or null") {
  CHECK(parse_call(R"({"method":"a.b.C"})")->parameters == Json::object());
  CHECK(parse_call(R"({"method":"a.b.C","parameters":null,"more":null})")->parameters == Json::object());
}

TEST_CASE("what is not a call is refused") {
  CHECK(call_error("") == "not JSON");
  CHECK(call_error("[]") == "the message is not an object");
  CHECK(call_error("{}") == "the call names no method");
  CHECK(call_error(R"({"method":1})") == "the call names no method");
  CHECK(call_error(R"({"method":"a.b.C","more":1})") == "a flag is not a boolean");
  CHECK(call_error(R"({"method":"a.b.C","oneway":"true"})") == "a flag is not a boolean");
  CHECK(call_error(R"({"method":"a.b.C","upgrade":0})") == "a flag is not a boolean");
  CHECK(call_error(R"({"method":"a.b.C","parameters":[]})") == "the parameters are not an object");
}

TEST_CASE("what is not a reply is refused") {
  CHECK(reply_error("{}") == "none");
  CHECK(reply_error("1") == "the message is not an object");
  CHECK(reply_error(R"({"error":1})") == "the error is not a string");
  CHECK(reply_error(R"({"continues":1})") == "a flag is not a boolean");
  CHECK(reply_error(R"({"parameters":"x"})") == "the parameters are not an object");
}

TEST_CASE("calls and replies are written on one line, ended by a NUL") {
  CHECK(write_call({.method = "a.b.C", .parameters = {{"x", 1}}}) ==
        "{\"method\":\"a.b.C\",\"parameters\":{\"x\":1}}\0"s);
  CHECK(write_call({.method = "a.b.C", .more = true}) ==
        "{\"method\":\"a.b.C\",\"parameters\":{},\"more\":true}\0"s);
  CHECK(write_reply({.parameters = {{"x", "a\nb"}}, .continues = true}) ==
        "{\"parameters\":{\"x\":\"a\\nb\"},\"continues\":true}\0"s);
  CHECK(write_reply({.error = "a.b.Failed"}) == "{\"error\":\"a.b.Failed\",\"parameters\":{}}\0"s);
}

TEST_CASE("what is written is read again as it was") {
  std::string text = write_reply({.parameters = {{"x", 1}}, .continues = true, .error = "a.b.E"});
  text.pop_back();
  const auto reply = parse_reply(text);
  REQUIRE(reply);
  CHECK(reply->parameters == Json{{"x", 1}});
  CHECK(reply->continues);
  CHECK(reply->error == "a.b.E");
}

}  // namespace
}  // namespace liveswap::wire::varlink
