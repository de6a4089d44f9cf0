// The command line: what is understood, and the whole sentence where it is not.
#include "ctl/arguments.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/tables.hpp"
#include "ctl/call_parameters.hpp"

namespace liveswap::ctl {
namespace {

using Words = std::vector<std::string>;

Arguments parsed(const Words& words) {
  auto arguments = parse_arguments(words);
  if (!arguments) FAIL(arguments.error().text);
  return std::move(*arguments);
}

std::string problem_with(const Words& words) {
  const auto arguments = parse_arguments(words);
  return arguments ? "none" : arguments.error().text;
}

TEST_CASE("options stand before and after the command, in all spellings") {
  for (const Words& words : std::vector<Words>{{"-n", "web", "upgrade", "api", "--timeout", "5s"},
                                               {"upgrade", "-nweb", "--timeout=5s", "api"},
                                               {"upgrade", "api", "--name", "web", "--timeout", "5s"},
                                               {"--name=web", "upgrade", "--timeout", "5s", "api"}}) {
    const Arguments arguments = parsed(words);
    CHECK(arguments.command->name == "upgrade");
    CHECK(arguments.words == Words{"api"});
    CHECK(arguments.value("name") == "web");
    CHECK(arguments.value("timeout") == "5s");
  }
}

TEST_CASE("the value of an option is not taken for the command") {
  CHECK(parsed({"-n", "status", "ping"}).command->name == "ping");
  CHECK(parsed({"--control", "stop", "ping"}).command->name == "ping");
}

TEST_CASE("what follows -- is the program of an upgrade, options of its own included") {
  const Arguments arguments = parsed({"upgrade", "web", "--", "./server", "--port", "80", "--"});
  CHECK(arguments.words == Words{"web"});
  CHECK(arguments.program == Words{"./server", "--port", "80", "--"});
  CHECK(parsed({"upgrade", "--"}).program == Words{});
  CHECK_FALSE(parsed({"upgrade"}).program);
  CHECK(problem_with({"--", "status"}) == "a command is needed");
}

TEST_CASE("what follows -- of any other command are arguments, whatever they begin with") {
  CHECK(parsed({"message", "web", "--", "-x", "--json", "--"}).words == Words{"web", "-x", "--json", "--"});
  CHECK(parsed({"message", "--", "--help"}).words == Words{"--help"});
  CHECK(parsed({"message", "--json", "--", "-v"}).has("json"));
  CHECK_FALSE(parsed({"message", "--", "-v"}).version);
  CHECK_FALSE(parsed({"status", "--", "web"}).program);
}

TEST_CASE("a negative number is an argument") {
  CHECK(parsed({"scale", "web", "-2"}).words == Words{"web", "-2"});
  CHECK(parsed({"scale", "-2"}).words == Words{"-2"});
  CHECK(parsed({"scale", "+2"}).words == Words{"+2"});
}

TEST_CASE("only what may be repeated is") {
  CHECK(parsed({"upgrade", "--env", "A=1", "--env=B=2"}).options.at("env") == Words{"A=1", "B=2"});
  CHECK(parsed({"stop", "--now", "--now"}).has("now"));
  CHECK(problem_with({"upgrade", "--label", "a", "--label", "b"}) == "--label is given twice");
  CHECK(problem_with({"-n", "a", "ping", "-n", "b"}) == "--name is given twice");
}

TEST_CASE("help and version need no command") {
  CHECK(parsed({"--help"}).command == nullptr);
  CHECK(parsed({"-h", "scale"}).command->name == "scale");
  CHECK(parsed({"upgrade", "--help"}).has("help"));
  CHECK(parsed({"--version"}).version);
  CHECK(parsed({"-v"}).version);
  CHECK(problem_with({}) == "a command is needed");
  CHECK(problem_with({"--json"}) == "a command is needed");
}

TEST_CASE("what nobody knows is named, with what may have been meant") {
  CHECK(problem_with({"upgarde"}) == "unknown command \"upgarde\" (did you mean \"upgrade\"?)");
  CHECK(problem_with({"reload"}) == "unknown command \"reload\"");
  CHECK(problem_with({"logs", "--tial", "5"}) ==
        "unknown option \"--tial\" of logs (did you mean \"--tail\"?)");
  CHECK(problem_with({"logs", "-x"}) == "unknown option \"-x\" of logs");
  CHECK(problem_with({"--jsn", "logs"}) == "unknown option \"--jsn\" of logs (did you mean \"--json\"?)");
  CHECK(problem_with({"ping", "--now"}) == "unknown option \"--now\" of ping");
  CHECK(problem_with({"--nmae=x"}) == "unknown option \"--nmae\" (did you mean \"--name\"?)");
}

TEST_CASE("values are needed where they are, not taken where they are not, and chosen from what there is") {
  CHECK(problem_with({"upgrade", "--timeout"}) == "--timeout needs a value: DURATION");
  CHECK(problem_with({"upgrade", "--target", "--", "x"}) == "--target needs a value: PATH");
  CHECK(problem_with({"ping", "-n"}) == "-n needs a value: NAME");
  CHECK(problem_with({"stop", "--now=1"}) == "--now takes no value");
  CHECK(problem_with({"events", "-fx"}) == "-fx takes no value");
  CHECK(problem_with({"upgrade", "--wait", "done"}) ==
        "--wait is \"done\", not one of: none, ready, committed, drained");
}

TEST_CASE("whose help would help is known") {
  CHECK(parse_arguments({"logs", "--tial"}).error().command == "logs");
  CHECK(parse_arguments({"nothing"}).error().command == "");
}

TEST_CASE("JSON is asked for also where the rest cannot be parsed, and not by what follows --") {
  CHECK(asks_for_json({"nothing", "--json"}));
  CHECK_FALSE(asks_for_json({"upgrade", "--", "x", "--json"}));
}

TEST_CASE("every option has a command that is there, and no command has one twice") {
  std::set<std::string> seen;
  for (const Option& option : all_options()) {
    CAPTURE(option.name);
    if (!option.command.empty()) CHECK(wire::control::find_command(option.command) != nullptr);
    CHECK(seen.insert(std::string(option.command) + " --" + std::string(option.name)).second);
    if (option.letter != '\0') CHECK(seen.insert(std::string(option.command) + " -" + option.letter).second);
  }
}

// Every `liveswapctl …` in a text, up to what ends it in a sentence.
std::vector<Words> commands_in(std::string_view text) {
  const std::string copy(text);
  const std::regex command("liveswapctl ([^,;:()]*)");
  std::vector<Words> found;
  for (auto it = std::sregex_iterator(copy.begin(), copy.end(), command); it != std::sregex_iterator();
       ++it) {
    Words words;
    std::istringstream all((*it)[1]);
    for (std::string word; all >> word;) words.push_back(word);
    found.push_back(words);
  }
  return found;
}

TEST_CASE("every command that a reason code advises can be typed as it stands, with an app's name too") {
  std::size_t typed = 0;
  for (const char* name : {
#define REASON(code, meaning, next) next,
#include "core/reasons.def"
#undef REASON
       }) {
    for (const std::string& text : {std::string(name), wire::control::name_app_in(name, "web")}) {
      for (const Words& words : commands_in(text)) {
        CAPTURE(text);
        const Arguments arguments = parsed(words);
        if (arguments.has("help")) continue;
        const auto parameters = parameters_of(arguments, "/");
        if (!parameters) FAIL(parameters.error());
        ++typed;
      }
    }
  }
  CHECK(typed > 40);
}

}  // namespace
}  // namespace liveswap::ctl
