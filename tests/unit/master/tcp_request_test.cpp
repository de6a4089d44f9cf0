// Lines of the TCP control port as calls, and replies as lines.
#include "master/tcp_request.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

namespace liveswap::master {
namespace {

using wire::Json;

std::string call_of(std::string_view line) {
  const auto request = read_tcp_request(line, "/srv");
  if (!request) return "'" + request.error().cmd + "' " + request.error().text;
  return request->cmd + ": " + request->call.method + " " + request->call.parameters.dump();
}

std::string verdict(const char* parameters, std::string error = "org.liveswap.Control.Failed") {
  return tcp_verdict({.parameters = Json::parse(parameters), .error = std::move(error)});
}

TEST_CASE("each command is a method of the control interface") {
  CHECK(call_of(R"({"cmd":"upgrade"})") == "upgrade: org.liveswap.Control.Upgrade {}");
  CHECK(call_of(R"({"cmd":"upgrade","value":""})") == "upgrade: org.liveswap.Control.Upgrade {}");
  CHECK(call_of(R"({"cmd":"upgrade","value":"./b.js"})") ==
        R"(upgrade: org.liveswap.Control.Upgrade {"target":"/srv/b.js"})");
  CHECK(call_of(R"({"value":"/b.js","cmd":"upgrade"})") ==
        R"(upgrade: org.liveswap.Control.Upgrade {"target":"/b.js"})");
  CHECK(call_of(R"({"cmd":"kill"})") == R"(kill: org.liveswap.Control.Restart {"now":true})");
  CHECK(call_of(R"({"cmd":"die","value":null})") == R"(die: org.liveswap.Control.Shutdown {"now":true})");
  CHECK(call_of(R"({"cmd":"message","value":"hi"})") == R"(message: org.liveswap.Control.Message {"text":"hi"})");
}

TEST_CASE("what is no request says why") {
  CHECK(call_of("") == "'' is no JSON object");
  CHECK(call_of("[1]") == "'' is no JSON object");
  CHECK(call_of(R"({"cmd":"kill")") == "'' is no JSON object");
  CHECK(call_of(R"({"cmd":7})") == R"('' has a bad "cmd")");
  CHECK(call_of(R"({"cmd":"upgrade","value":7})") == R"('upgrade' has a bad "value")");
  CHECK(call_of(R"({"cmd":"kill","now":true})") == R"('kill' has a bad "now")");
  CHECK(call_of(R"({"cmd":"reboot"})") == "'reboot' is none of the commands upgrade, kill, die, message");
  CHECK(call_of(R"({"cmd":"kill","value":"x"})") == "'kill' has a value");
  CHECK(call_of(R"({"cmd":"message"})") == "'message' has no value");
}

TEST_CASE("a reply is OK or what went wrong") {
  CHECK(verdict("{}", "") == "OK");
  CHECK(verdict(R"({"outcome":{"result":"failed","reason":"busy","text":"a rollout is under way"}})") ==
        "busy: a rollout is under way");
  CHECK(verdict(R"({"outcome":{"result":"failed","reason":null,"text":null}})") == "failed");
  CHECK(verdict(R"({"outcome":{"reason":"hook_failed","text":"no","last_lines":["a","b"]}})") ==
        "hook_failed: no: b");
  CHECK(verdict(R"({"parameter":"text"})", "org.varlink.service.InvalidParameter") ==
        "org.varlink.service.InvalidParameter");
  CHECK(tcp_reply_line("kill", "a\nb") == "{\"cmd\":\"kill\",\"value\":\"a\\nb\"}\n");
}

}  // namespace
}  // namespace liveswap::master
