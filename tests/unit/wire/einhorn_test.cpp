// Goal: what einhorn's clients write is understood, in each of their framings, and nothing else is taken for it.
#include "wire/einhorn.hpp"

#include <doctest/doctest.h>

namespace {

using namespace liveswap::wire::einhorn;

const Command kAck{"worker:ack", 5};

std::string refused(std::string_view line) {
  const auto command = parse(line);
  return command ? "good: " + command->command : std::string(command.error().reason);
}

TEST_CASE("einhorn: JSON, YAML in lines and YAML in braces say the same") {
  CHECK(parse(R"({"command":"worker:ack","pid":5})") == kAck);
  CHECK(parse(R"({ "pid" : 5, "command" : "worker:ack", "request_id":"a,b" })") == kAck);
  CHECK(parse("---%0Acommand: worker:ack%0Apid: 5%0A") == kAck);
  CHECK(parse("--- %0Acommand: \"worker:ack\"%0Apid: 5%0A...%0A") == kAck);
  CHECK(parse("command: 'worker:ack'%0Apid: 5") == kAck);
  CHECK(parse("{command: worker:ack, pid: 5}") == kAck);
  CHECK(parse("--- {command: 'worker:ack', pid: 5}%0A") == kAck);
  CHECK(parse("---%0A:command: worker:ack%0A:pid: 5%0A") == kAck);
  CHECK(parse("{command: worker:ping}\r") == Command{"worker:ping", std::nullopt});
  CHECK(parse(R"({"command":"worker:ping","pid":5,"request_id":"x","args":[1,{"a":2}]})") == Command{"worker:ping", 5});
}

TEST_CASE("einhorn: escapes are decoded in one pass") {
  CHECK(unescape("a%0Ab%25c") == "a\nb%c");
  CHECK(unescape("%250A") == "%0A");
  CHECK(unescape("%2525") == "%25");
  CHECK(unescape("%0a%2%") == "%0a%2%");
  CHECK(parse("---%0Acommand: worker:ack%0Apid: 5%0Anote: 100%25") == kAck);
}

TEST_CASE("einhorn: what is no such message is refused with its reason") {
  CHECK(refused("") == "there is no command");
  CHECK(refused("---") == "there is no command");
  CHECK(refused("{}") == "there is no command");
  CHECK(refused("pid: 5") == "there is no command");
  CHECK(refused("worker:ack") == "the message is no map of words");
  CHECK(refused("[1]") == "the message is no map of words");
  CHECK(refused("command:worker") == "the message is no map of words");
  CHECK(refused("command: \"worker") == "the message is no map of words");
  CHECK(refused("command: \"a\\n\"") == "the message is no map of words");
  CHECK(refused("command: 'a' b") == "the message is no map of words");
  CHECK(refused("{command: a, {b: c}}") == "the message is no map of words");
  CHECK(refused("{command: a") == "a brace is not closed");
  CHECK(refused("{command: a, command: b}") == "command is there twice");
  CHECK(refused("command: a%0Apid: 5%0Apid: 6") == "pid is there twice");
  CHECK(refused("command: a%0Apid: x") == "pid is no process id");
  CHECK(refused("command: a%0Apid: 0") == "pid is no process id");
  CHECK(refused("command: a%0Apid: 99999999999") == "pid is no process id");
  CHECK(refused(R"({"command":"a","pid":-1})") == "pid is no process id");
  CHECK(refused(std::string(kLineMax + 1, 'a')) == "the message is too long");
}

}  // namespace
