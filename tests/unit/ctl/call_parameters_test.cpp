// Words of the command line as parameters of a call, and what makes no sense.
#include "ctl/call_parameters.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace liveswap::ctl {
namespace {

// The parameters as JSON, or what is wrong.
std::string built(const std::vector<std::string>& words) {
  const auto arguments = parse_arguments(words);
  if (!arguments) return "cannot be parsed: " + arguments.error().text;
  const auto parameters = parameters_of(*arguments, "/home/u");
  return parameters ? parameters->dump() : parameters.error();
}

TEST_CASE("an upgrade is sent with absolute paths of the client's folder") {
  CHECK(built({"upgrade"}) == "{}");
  CHECK(built({"upgrade", "web", "--if-changed", "--wait", "drained", "--timeout", "1m30s", "--label",
               "1.5"}) ==
        R"({"app":"web","label":"1.5","if_changed":true,"wait":"drained","timeout_ms":90000})");
  CHECK(built({"upgrade", "--all", "--target", "b/../c", "--env", "A=1=2", "--env", "B="}) ==
        R"({"all":true,"target":"/home/u/b/../c","environment":{"A":"1=2","B":""}})");
  CHECK(built({"upgrade", "--target", "/srv/b", "--", "./b", "x y"}) ==
        R"({"target":"/srv/b","command":["/home/u/b","x y"]})");
  CHECK(built({"upgrade", "--", "python3", "./b"}) == R"({"command":["python3","./b"]})");
  CHECK(built({"upgrade", "--", "${target}/b"}) == R"({"command":["${target}/b"]})");
}

TEST_CASE("an upgrade that cannot be meant is refused") {
  CHECK(built({"upgrade", "--"}) == "a COMMAND is needed after --");
  CHECK(built({"upgrade", "--", ""}) == "a COMMAND is needed after --");
  CHECK(built({"upgrade", "--env", "A"}) == "--env is \"A\", not NAME=VALUE");
  CHECK(built({"upgrade", "--env", "1A=x"}) == "--env is \"1A=x\", not NAME=VALUE");
  CHECK(built({"upgrade", "a", "b"}) == "unexpected argument \"b\"");
  CHECK(built({"upgrade", "--timeout", "5"}).starts_with("--timeout: "));
  CHECK(built({"upgrade", "--label", "\xff"}) == "\"\\xff\" is not valid UTF-8");
  CHECK(built({"upgrade", "--", "a", "\xc3"}) == "\"\\xc3\" is not valid UTF-8");
}

TEST_CASE("a time without end is no time limit") {
  CHECK(built({"upgrade", "--timeout", "infinity"}) == "{}");
  CHECK(built({"wait", "--for", "ready", "--timeout", "250ms"}) == R"({"wait":"ready","timeout_ms":250})");
}

TEST_CASE("scale takes an app or none before the number") {
  CHECK(built({"scale", "4"}) == R"({"workers":4})");
  CHECK(built({"scale", "web", "4"}) == R"({"app":"web","workers":4})");
  CHECK(built({"scale", "+2"}) == R"({"by":2})");
  CHECK(built({"scale", "web", "-2"}) == R"({"app":"web","by":-2})");
  CHECK(built({"scale", "auto"}) == R"({"automatic":true})");
  CHECK(built({"scale", "--reset"}) == R"({"reset":true})");
  CHECK(built({"scale", "web", "--reset", "--wait", "none"}) ==
        R"({"app":"web","reset":true,"wait":"none"})");
  CHECK(built({"scale"}) == "how many workers? N, +N, -N, auto or --reset");
  CHECK(built({"scale", "web"}) == "\"web\" is not a number of workers: N, +N, -N, auto or --reset");
  CHECK(built({"scale", "web", "4", "5"}) == "unexpected argument \"5\"");
  CHECK(built({"scale", "web", "4", "--reset"}) == "unexpected argument \"4\"");
  CHECK(built({"scale", "99999999999999999999"})
            .starts_with("\"99999999999999999999\" is not a number of workers"));
}

TEST_CASE("generations and releases are told from apps by their letter") {
  CHECK(built({"drain", "web"}) == "give either --now or --extend");
  CHECK(built({"drain", "--now", "--extend", "1m"}) == "give either --now or --extend");
  CHECK(built({"drain", "--now"}) == R"({"now":true})");
  CHECK(built({"drain", "g8", "--now"}) == R"({"generation":8,"now":true})");
  CHECK(built({"drain", "web", "g8", "--extend", "10m"}) ==
        R"({"app":"web","generation":8,"extend_ms":600000})");
  CHECK(built({"drain", "web", "--now"}) == R"({"app":"web","now":true})");
  CHECK(built({"drain", "g1", "g8", "--now"}) == R"({"app":"g1","generation":8,"now":true})");
  CHECK(built({"drain", "web", "r8", "--now"}) == "unexpected argument \"r8\"");
  CHECK(built({"history", "r3"}) == R"({"release":3})");
  CHECK(built({"history", "web", "r3"}) == R"({"app":"web","release":3})");
  CHECK(built({"history", "web"}) == R"({"app":"web"})");
  CHECK(built({"history", "a", "b", "r3"}) == "unexpected argument \"b\"");
}

TEST_CASE("the other commands") {
  CHECK(built({"status", "web"}) == R"({"app":"web"})");
  CHECK(built({"status", "web", "x"}) == "unexpected argument \"x\"");
  CHECK(built({"listeners", "http"}) == "unexpected argument \"http\"");
  CHECK(built({"ping", "x"}) == "unexpected argument \"x\"");
  CHECK(built({"restart", "web", "--slot", "2", "--now"}) == R"({"app":"web","slot":2,"now":true})");
  CHECK(built({"restart", "--slot", "-1"}) == "--slot is \"-1\", not a number from 0 to 2147483647");
  CHECK(built({"restart", "--slot", "x"}) == "--slot is \"x\", not a number from 0 to 2147483647");
  CHECK(built({"start", "--all"}) == R"({"all":true})");
  CHECK(built({"stop", "web", "--now"}) == R"({"app":"web","now":true})");
  CHECK(built({"abort"}) == "{}");
  CHECK(built({"pause", "http"}) == R"({"listener":"http"})");
  CHECK(built({"resume"}) == "the name of a listener is needed");
  CHECK(built({"signal", "HUP"}) == R"({"signal":"HUP"})");
  CHECK(built({"signal", "web", "HUP"}) == R"({"app":"web","signal":"HUP"})");
  CHECK(built({"signal"}) == "a signal is needed");
  CHECK(built({"message", "hello"}) == R"({"text":"hello"})");
  CHECK(built({"message", "web", "hello you"}) == R"({"app":"web","text":"hello you"})");
  CHECK(built({"message"}) == "a message is needed");
  CHECK(built({"shutdown", "--now"}) == R"({"now":true})");
  CHECK(built({"events", "-f"}) == R"({"follow":true})");
  CHECK(built({"logs", "web", "-f", "--tail", "5"}) == R"({"app":"web","last":5,"follow":true})");
  CHECK(built({"logs", "--tail", "+5"}) == "--tail is \"+5\", not a number from 0 to 100000");
}

}  // namespace
}  // namespace liveswap::ctl
