// multibinder's requests, as its Ruby client writes them and as others may, and what liars make of them.
#include "wire/multibinder.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace liveswap::wire::multibinder {
namespace {

// All objects, joined by a bar, and how it ended.
std::string cut(std::vector<std::string_view> pieces) {
  Splitter splitter;
  std::string all;
  for (const std::string_view piece : pieces) {
    splitter.feed(piece);
    for (;;) {
      const auto object = splitter.next();
      if (!object) return all + "refused: " + std::string(object.error().reason);
      if (!*object) break;
      all += **object + "|";
    }
  }
  return all;
}

std::string refusal_of(std::string_view request) {
  const auto parsed = parse(request);
  return parsed ? "none" : refused(parsed.error());
}

TEST_CASE("multibinder: the Ruby client's request") {
  const auto bind = parse(R"({"jsonrpc":"2.0","id":1,"method":"bind","params":[{"address":"127.0.0.1","port":8000,)"
                          R"("backlog":1000}]})");
  REQUIRE(bind);
  CHECK(bind->address == "127.0.0.1");
  CHECK(bind->port == 8000);
  CHECK(bind->backlog == 1000);
  CHECK(bound(bind->id) == R"({"jsonrpc":"2.0","id":1,"result":true})");
}

TEST_CASE("multibinder: parameters may be one object, and ids may be texts") {
  const auto bind = parse(R"({"id":"a","method":"bind","params":{"address":"","port":0,"more":[]}})");
  REQUIRE(bind);
  CHECK(bind->address.empty());
  CHECK(bind->port == 0);
  CHECK_FALSE(bind->backlog);
  CHECK(bound(bind->id) == R"({"jsonrpc":"2.0","id":"a","result":true})");
}

TEST_CASE("multibinder: requests are cut by their braces, wherever the pieces end") {
  CHECK(cut({"{}"}) == "{}|");
  CHECK(cut({" {\"a\":{}}\n{", "}  "}) == "{\"a\":{}}|{}|");
  CHECK(cut({"{\"a\":\"}", "\\", "\"}", "\"}{}"}) == "{\"a\":\"}\\\"}\"}|{}|");
  CHECK(cut({"{"}) == "");
  CHECK(cut({"{}[]"}) == "{}|refused: a request begins with a brace");
  CHECK(cut({"bind"}) == "refused: a request begins with a brace");
  const std::string endless(kRequestMax + 1, '{');
  CHECK(cut({endless}) == "refused: the request is too long");
}

TEST_CASE("multibinder: what is no good request is refused with JSON-RPC's codes") {
  const auto error = [](const std::string& id, int code, const std::string& message) {
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":)" + std::to_string(code) + R"(,"message":")" +
           message + R"("}})";
  };
  CHECK(refusal_of("{x}") == error("null", -32700, "Parse error: not JSON"));
  CHECK(refusal_of("[]") == error("null", -32600, "Invalid request: not an object"));
  CHECK(refusal_of(R"({"method":"bind"})") == error("null", -32600, "Invalid request: an id is needed, for the reply"));
  CHECK(refusal_of(R"({"id":1})") == error("null", -32600, "Invalid request: it names no method"));
  CHECK(refusal_of(R"({"id":1,"method":"exec"})") == error("1", -32601, "Method not found"));
  CHECK(refusal_of(R"({"id":1,"method":"bind"})") == error("1", -32602, "Invalid params: one object is needed"));
  CHECK(refusal_of(R"({"id":1,"method":"bind","params":[{"port":1}]})") ==
        error("1", -32602, "Invalid params: address is needed, as a string"));
  for (const char* port : {"65536", "-1", "1.5", "\"80\"", "18446744073709551615", "null"}) {
    CAPTURE(port);
    CHECK(refusal_of(std::string(R"({"id":1,"method":"bind","params":[{"address":"","port":)") + port + "}]}") ==
          error("1", -32602, "Invalid params: port is needed, from 0 to 65535"));
  }
  CHECK(refusal_of(R"({"id":1,"method":"bind","params":[{"address":"","port":1,"backlog":0}]})") ==
        error("1", -32602, "Invalid params: backlog is a number above 0"));
}

}  // namespace
}  // namespace liveswap::wire::multibinder
