// JSON from strangers: what is refused, with which reason, and that nothing is built before it is.
#include "wire/json.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "wire/json_fields.hpp"

namespace liveswap::wire {
namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

std::string reason_of(std::string_view text) {
  const auto value = parse_json(text);
  return value ? "none" : std::string(value.error().reason);
}

TEST_CASE("JSON is parsed and written back with its members in order") {
  const auto value = parse_json(R"( {"b": [1, -2, 1.5, true, null], "a": "\u00e9\n"} )");
  REQUIRE(value);
  CHECK(dump_json(*value) == "{\"b\":[1,-2,1.5,true,null],\"a\":\"é\\n\"}");
}

TEST_CASE("text that is not JSON is refused without an exception") {
  for (const char* text :
       {"", "{", "[1,]", "{\"a\":1}}", "nul", "\"\xff\"", "'a'", "[1e999]", "{\"a\" 1}", "]", "\"\\"}) {
    CAPTURE(text);
    CHECK(reason_of(text) == "not JSON");
  }
}

TEST_CASE("JSON is refused from the first level too deep") {
  CHECK(reason_of(repeat("[", kMaxJsonDepth) + repeat("]", kMaxJsonDepth)) == "none");
  CHECK(reason_of(repeat("[", kMaxJsonDepth + 1) + repeat("]", kMaxJsonDepth + 1)) == "nested too deeply");
  CHECK(reason_of(repeat("{\"a\":", kMaxJsonDepth + 1)) == "nested too deeply");
}

TEST_CASE("brackets, commas and colons within strings are not counted") {
  CHECK(reason_of("\"" + repeat("[{\\\",:", 100'000) + "\"") == "none");
}

TEST_CASE("JSON is refused from the first byte, value or member too many") {
  CHECK(reason_of("\"" + std::string(kMaxJsonBytes - 2, 'a') + "\"") == "none");
  CHECK(reason_of("\"" + std::string(kMaxJsonBytes - 1, 'a') + "\"") == "too long");
  CHECK(reason_of("[" + repeat("0,", kMaxJsonValues - 1) + "0]") == "none");
  CHECK(reason_of("[" + repeat("0,", kMaxJsonValues) + "0]") == "too many values");
  CHECK(reason_of("[" + repeat("[],", kMaxJsonValues) + "0]") == "too many values");
  std::string members;
  for (std::size_t i = 0; i < kMaxJsonMembers; ++i)
    members += (i ? ",\"" : "\"") + std::to_string(i) + "\":0";
  CHECK(reason_of("{" + members + "}") == "none");
  CHECK(reason_of("{" + members + ",\"x\":0}") == "an object is too large");
}

TEST_CASE("members are counted for each object apart") {
  std::string member = "\"a\":0";
  CHECK(reason_of("[" + repeat("{\"a\":0},", 5000) + "0]") == "none");
}

TEST_CASE("invalid UTF-8 is replaced when JSON is written") {
  Json value = Json::object();
  value["line"] = "caf\xe9 \xf0\x9f";
  CHECK(dump_json(value) == "{\"line\":\"caf\xEF\xBF\xBD \xEF\xBF\xBD\"}");
}

TEST_CASE("fields are read by name and type") {
  const auto object = parse_json(
      R"({"text": "a", "number": -3, "flag": true, "texts": ["a", ""], "map": {"k": "v", "e": ""}, "gone": null})");
  REQUIRE(object);
  JsonFields fields(*object);
  CHECK(fields.text("text") == "a");
  CHECK(fields.integer("number", -3, 3) == -3);
  CHECK(fields.flag("flag"));
  CHECK(fields.texts("texts") == std::vector<std::string>{"a", ""});
  CHECK(fields.map("map") == std::vector<std::pair<std::string, std::string>>{{"k", "v"}, {"e", ""}});
  CHECK_FALSE(fields.text("gone"));
  CHECK_FALSE(fields.text("absent"));
  CHECK_FALSE(fields.flag("other"));
  CHECK_FALSE(fields.bad());
}

TEST_CASE("a field that nobody asked for is named") {
  const auto object = parse_json(R"({"app": "web", "aap": "web"})");
  JsonFields fields(*object);
  CHECK(fields.text("app") == "web");
  CHECK(fields.bad() == "aap");
}

TEST_CASE("a field of another type, out of range or with a NUL inside is named") {
  const auto refused = [](const char* text, auto read) {
    const auto object = parse_json(text);
    JsonFields fields(*object);
    read(fields);
    return fields.bad().value_or("none");
  };
  CHECK(refused(R"({"a": 1})", [](JsonFields& f) { CHECK_FALSE(f.text("a")); }) == "a");
  CHECK(refused(R"({"a": "x\u0000y"})", [](JsonFields& f) { CHECK_FALSE(f.text("a")); }) == "a");
  CHECK(refused(R"({"a": "1"})", [](JsonFields& f) { CHECK_FALSE(f.integer("a", 0, 9)); }) == "a");
  CHECK(refused(R"({"a": 1.5})", [](JsonFields& f) { CHECK_FALSE(f.integer("a", 0, 9)); }) == "a");
  CHECK(refused(R"({"a": 10})", [](JsonFields& f) { CHECK_FALSE(f.integer("a", 0, 9)); }) == "a");
  CHECK(refused(R"({"a": 18446744073709551615})",
                [](JsonFields& f) { CHECK_FALSE(f.integer("a", -1, 9)); }) == "a");
  CHECK(refused(R"({"a": 1})", [](JsonFields& f) { CHECK_FALSE(f.flag("a")); }) == "a");
  CHECK(refused(R"({"a": ["x", 1]})", [](JsonFields& f) { CHECK(f.texts("a").empty()); }) == "a");
  CHECK(refused(R"({"a": "x"})", [](JsonFields& f) { CHECK(f.texts("a").empty()); }) == "a");
  CHECK(refused(R"({"a": {"k": "v", "l": 1}})", [](JsonFields& f) { CHECK(f.map("a").empty()); }) == "a");
  CHECK(refused(R"({"a": {"k\u0000": "v"}})", [](JsonFields& f) { CHECK(f.map("a").empty()); }) == "a");
  CHECK(refused(R"({"a": []})", [](JsonFields& f) { CHECK(f.map("a").empty()); }) == "a");
}

}  // namespace
}  // namespace liveswap::wire
