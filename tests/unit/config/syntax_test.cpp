// What is no YAML, or YAML that says something else than its writer meant: whole messages with place and
// caret.
#include <string>

#include "helpers.hpp"

using namespace liveswap::config;

TEST_CASE("an unquoted ${…} in a list says to quote it") {
  CHECK(told("apps:\n  web:\n    command: [./server, --fd=${fd:http}, -v]\n") ==
        "web.yaml:3:25: inside [ ] and { }, YAML takes the { of this value for the start of a map: quote it: "
        "\"--fd=${fd:http}\"\n"
        "      command: [./server, --fd=${fd:http}, -v]\n"
        "                          ^\n");
}

TEST_CASE("an unquoted IPv6 address in a map says to quote it") {
  CHECK(
      told("listeners:\n  http: {address: tcp://[::]:80, backlog: 5}\n") ==
      "web.yaml:2:19: inside [ ] and { }, YAML takes the [ of this value for the start of a list: quote it: "
      "\"tcp://[::]:80\"\n"
      "    http: {address: tcp://[::]:80, backlog: 5}\n"
      "                    ^\n");
}

TEST_CASE("an unquoted IPv6 address in a list says to quote it") {
  CHECK(
      told("listeners:\n  http: [tcp://[::]:80]\n") ==
      "web.yaml:2:10: inside [ ] and { }, YAML takes the [ of this value for the start of a list: quote it: "
      "\"tcp://[::]:80\"\n"
      "    http: [tcp://[::]:80]\n"
      "           ^\n");
}

TEST_CASE("a value that begins with @ says to quote it") {
  CHECK(told("listeners:\n  bus: @bus\n") ==
        "web.yaml:2:8: a value cannot begin with this character: quote it\n"
        "    bus: @bus\n"
        "         ^\n");
}

TEST_CASE("a value that begins with * says to quote it") {
  CHECK(told("apps:\n  web:\n    pass_env: [DB_*, *]\n") ==
        "web.yaml:3:23: a value that begins with * must be quoted\n"
        "      pass_env: [DB_*, *]\n"
        "                        ^\n");
  CHECK(
      told("name: *web\n") ==
      "web.yaml:1:7: no anchor (&name) of this name stands above; a value that begins with * must be quoted\n"
      "  name: *web\n"
      "        ^\n");
}

TEST_CASE("wrong indentation is told where it shows") {
  CHECK(told("name: web\n state_dir: none\n") ==
        "web.yaml:2:11: \": \" cannot stand here: check the indentation, or quote a value that holds \": \"\n"
        "   state_dir: none\n"
        "            ^\n");
  CHECK(
      told("apps:\n  web:\n    command: a\n - b\n") ==
      "web.yaml:4:2: a key was expected here: check the indentation, and what stands after a closing quote\n"
      "   - b\n"
      "   ^\n");
}

TEST_CASE("a tab in the indentation is named") {
  CHECK(told("apps:\n\tweb: x\n") ==
        "web.yaml:2:1: a tab cannot indent: use spaces\n"
        "  \tweb: x\n"
        "  ^\n");
}

TEST_CASE("an unclosed bracket points at its beginning") {
  CHECK(told("name: [web\nstate_dir: none\n") ==
        "web.yaml:1:7: the list that begins here is not closed by ], or a comma is missing\n"
        "  name: [web\n"
        "        ^\n");
  CHECK(told("log: {level: info\nname: web\n") ==
        "web.yaml:1:6: the map that begins here is not closed by }, or a comma is missing\n"
        "  log: {level: info\n"
        "       ^\n");
  CHECK(told("x-a: [[1, 2]\nname: web\n") ==
        "web.yaml:1:6: the list that begins here is not closed by ], or a comma is missing\n"
        "  x-a: [[1, 2]\n"
        "       ^\n");
  CHECK(told("name: web\n]\n") ==
        "web.yaml:2:1: this bracket closes nothing that is open here\n"
        "  ]\n"
        "  ^\n");
}

TEST_CASE("an unclosed quote is an error, though yaml-cpp takes it") {
  CHECK(told("name: \"web\nstate_dir: none\n") ==
        "web.yaml:1:7: this quote is not closed\n"
        "  name: \"web\n"
        "        ^\n");
  CHECK(told("name: &a 'it''s\n") ==
        "web.yaml:1:10: this quote is not closed\n"
        "  name: &a 'it''s\n"
        "           ^\n");
}

TEST_CASE("text after a closing quote is an error") {
  CHECK(
      told("name: \"web\" site\n") ==
      "web.yaml:1:13: a key was expected here: check the indentation, and what stands after a closing quote\n"
      "  name: \"web\" site\n"
      "              ^\n");
}

TEST_CASE("an unknown escape tells of single quotes") {
  CHECK(told("name: \"w\\qb\"\n") ==
        "web.yaml:1:9: unknown \\ escape in double quotes; in single quotes a \\ is a \\\n"
        "  name: \"w\\qb\"\n"
        "          ^\n");
}

TEST_CASE("an empty file is an error of its own") {
  CHECK(told("") == "web.yaml:1:1: the file is empty: an app to run is needed (liveswap.yaml(5))\n");
  CHECK(told("# only this\n") ==
        "web.yaml:1:1: the file is empty: an app to run is needed (liveswap.yaml(5))\n  # only this\n  ^\n");
}

TEST_CASE("a second document is refused") {
  CHECK(told("x-a: 1\n---\nx-b: 2\n") ==
        "web.yaml:2:1: a second document begins here: a file holds one\n"
        "  ---\n"
        "  ^\n");
}

TEST_CASE("tags are refused, but !!str is what quotes are") {
  CHECK(told("name: !site web\n") ==
        "web.yaml:1:7: tags are not supported: \"!site\"\n"
        "  name: !site web\n"
        "        ^\n");
  CHECK(plan_of("name: !!str 80\napps: {web: {command: ./s}}\n").name == "80");
}

TEST_CASE("a list or map as a key is refused") {
  CHECK(told("? [a]\n: b\n") ==
        "web.yaml:1:3: a list or map cannot be a key\n"
        "  ? [a]\n"
        "    ^\n");
}

TEST_CASE("duplicate keys are told with the line of the first, at every level") {
  CHECK(told("name: a\nlog: {level: info, level: warn}\nname: b\napps: {web: {command: ./s}}\n") ==
        "web.yaml:2:20: duplicate key \"level\": it stands in line 2 already\n"
        "  log: {level: info, level: warn}\n"
        "                     ^\n"
        "web.yaml:3:1: duplicate key \"name\": it stands in line 1 already\n"
        "  name: b\n"
        "  ^\n");
}

TEST_CASE("merge keys are refused with their name") {
  CHECK(told("x-base: &base {workers: 2}\napps:\n  web:\n    <<: *base\n    command: ./s\n") ==
        "web.yaml:4:5: merge keys (<<) are not supported: write the keys out, or repeat a whole value by an "
        "alias "
        "(*name)\n"
        "      <<: *base\n"
        "      ^\n");
}

TEST_CASE("anchors and aliases repeat whole values") {
  auto plan = plan_of(
      "x-drain: &drain {timeout: 5s}\napps:\n  a: {command: ./a, drain: *drain}\n"
      "  b: {command: ./b, drain: *drain}\n");
  CHECK(plan.apps[0].policy.drain_timeout == std::chrono::seconds(5));
  CHECK(plan.apps[1].policy.drain_timeout == std::chrono::seconds(5));
}

TEST_CASE("a mistake in what aliases repeat is told once, where it is written") {
  CHECK(told("x-drain: &drain {timeout: 5}\napps:\n  a: {command: ./a, drain: *drain}\n"
             "  a2: {command: ./b, drain: *drain}\n") ==
        "web.yaml:1:27: apps.a.drain.timeout: \"5\" has no unit: write 5s, or 5ms\n"
        "  x-drain: &drain {timeout: 5}\n"
        "                            ^\n"
        "web.yaml:1:27: apps.a2.drain.timeout: \"5\" has no unit: write 5s, or 5ms\n"
        "  x-drain: &drain {timeout: 5}\n"
        "                            ^\n");
  CHECK(told("x-drain: &drain {timeot: 5s}\napps:\n  a: {command: ./a, drain: *drain}\n"
             "  a2: {command: ./b, drain: *drain}\n") ==
        "web.yaml:1:18: unknown key \"timeot\" (did you mean \"timeout\"?)\n"
        "  x-drain: &drain {timeot: 5s}\n"
        "                   ^\n");
}

TEST_CASE("an alias inside what it repeats is refused") {
  CHECK(told("name: &x [*x]\n") ==
        "web.yaml:1:11: an alias cannot stand inside what it repeats\n"
        "  name: &x [*x]\n"
        "            ^\n");
}

TEST_CASE("a bomb of aliases is refused before it grows") {
  std::string text = "x-0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n";
  for (int i = 1; i < 20; ++i) {
    auto last = std::to_string(i - 1), next = std::to_string(i);
    text += "x-" + next + ": &a" + next + " [";
    for (int j = 0; j < 9; ++j) text += (j ? ", *a" : "*a") + last;
    text += "]\n";
  }
  CHECK(told(text).starts_with("web.yaml:5:10: more than 100000 values, aliases counted\n"));
}

TEST_CASE("a long text cannot be repeated without end") {
  std::string text = "x-0: &a0 " + std::string(100'000, 'x') + "\nx-1: [*a0";
  for (int i = 0; i < 100; ++i) text += ", *a0";
  CHECK(
      told(text + "]\n").starts_with("web.yaml:2:202: more than 4194304 bytes of values, aliases counted\n"));
}

TEST_CASE("depth is limited") {
  CHECK(told("x-a: " + std::string(70, '[') + std::string(70, ']') + "\n")
            .starts_with("web.yaml:1:69: nested more than 64 levels deep\n"));
  CHECK(told("x-a: " + std::string(100'000, '['))
            .starts_with(
                "web.yaml:1:6: the list that begins here is not closed by ], or a comma is missing\n"));
}

TEST_CASE("depth is limited through aliases, too") {
  std::string text = "x-0: &a0 [1]\n";
  for (int i = 1; i < 70; ++i) {
    text += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  }
  CHECK(told(text).starts_with("web.yaml:63:13: nested more than 64 levels deep\n"));
}

TEST_CASE("what is no text is refused: control characters, NUL, invalid UTF-8, too much of it") {
  CHECK(told(std::string("name: a\0b\n", 10)) ==
        "web.yaml:1:8: control character 0x00\n"
        "  name: a?b\n"
        "         ^\n");
  CHECK(told("name: a\x04"
             "b\n") ==
        "web.yaml:1:8: control character 0x04\n"
        "  name: a?b\n"
        "         ^\n");
  CHECK(told("name: \"a\\0b\"\n") ==
        "web.yaml:1:7: a NUL character\n"
        "  name: \"a\\0b\"\n"
        "        ^\n");
  CHECK(told("name: \xC3\xA9\xFF\n") ==
        "web.yaml:1:8: not valid UTF-8\n"
        "  name: \xC3\xA9?\n"
        "         ^\n");
  CHECK(
      told("# " + std::string(1 << 20, 'x') + "\n").starts_with("web.yaml:1:1: larger than 1048576 bytes\n"));
}

TEST_CASE("a byte order mark and DOS line ends change no place") {
  CHECK(told("\xEF\xBB\xBFname: web\r\nlog: {lvel: info}\r\napps: {web: {command: ./s}}\r\n") ==
        "web.yaml:2:7: unknown key \"lvel\" (did you mean \"level\"?)\n"
        "  log: {lvel: info}\n"
        "        ^\n");
}

TEST_CASE("columns count characters, and the caret stands below them on a terminal") {
  CHECK(told("log: {\"\xC3\xA9\": 1, \xE6\x97\xA5\xE6\x9C\xAC: 2}\napps: {web: {command: ./s}}\n") ==
        "web.yaml:1:7: unknown key \"\xC3\xA9\"\n"
        "  log: {\"\xC3\xA9\": 1, \xE6\x97\xA5\xE6\x9C\xAC: 2}\n"
        "        ^\n"
        "web.yaml:1:15: unknown key \"\xE6\x97\xA5\xE6\x9C\xAC\"\n"
        "  log: {\"\xC3\xA9\": 1, \xE6\x97\xA5\xE6\x9C\xAC: 2}\n"
        "                ^\n");
  CHECK(told("log: {\xE6\x97\xA5: 1,\t\xCE\xB2: 2}\napps: {web: {command: ./s}}\n") ==
        "web.yaml:1:7: unknown key \"\xE6\x97\xA5\"\n"
        "  log: {\xE6\x97\xA5: 1,\t\xCE\xB2: 2}\n"
        "        ^\n"
        "web.yaml:1:13: unknown key \"\xCE\xB2\"\n"
        "  log: {\xE6\x97\xA5: 1,\t\xCE\xB2: 2}\n"
        "              \t^\n");
}

TEST_CASE("of a long line only the part around the caret is shown") {
  CHECK(told("log: {" + std::string(200, ' ') + "lvel: info" + std::string(200, ' ') +
             "}\napps: {web: {command: ./s}}\n") ==
        "web.yaml:1:207: unknown key \"lvel\" (did you mean \"level\"?)\n"
        "  …" +
            std::string(60, ' ') + "lvel: info" + std::string(30, ' ') +
            "…\n"
            "   " +
            std::string(60, ' ') + "^\n");
}

TEST_CASE("a root that is no map is refused") {
  CHECK(told("- a\n- b\n") ==
        "web.yaml:1:1: a map of keys (listeners:, apps:, …) is needed, not a list\n"
        "  - a\n"
        "  ^\n");
}
