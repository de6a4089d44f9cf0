// Unknown keys: what was meant, or where it belongs.
#include "config/keys.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "config/text.hpp"
#include "core/choices.hpp"
#include "helpers.hpp"

using namespace liveswap::config;

TEST_CASE("a misspelt key names the nearest one") {
  CHECK(told("apps:\n  web:\n    command: ./s\n    worker: 4\n") ==
        "web.yaml:4:5: unknown key \"worker\" (did you mean \"workers\"?)\n"
        "      worker: 4\n"
        "      ^\n");
  CHECK(told("shutdonw: {timeout: 5s}\napps: {web: {command: ./s}}\n") ==
        "web.yaml:1:1: unknown key \"shutdonw\" (did you mean \"shutdown\"?)\n"
        "  shutdonw: {timeout: 5s}\n"
        "  ^\n");
}

TEST_CASE("a key at the wrong level names its place") {
  CHECK(told("workers: 4\napps: {web: {command: ./s, timeout: 5s, level: info}}\n") ==
        "web.yaml:1:1: unknown key \"workers\" (it belongs to apps.NAME)\n"
        "  workers: 4\n"
        "  ^\n"
        "web.yaml:2:28: unknown key \"timeout\" (it belongs to shutdown, apps.NAME.ready, apps.NAME.hooks, "
        "apps.NAME.drain or apps.NAME.stop)\n"
        "  apps: {web: {command: ./s, timeout: 5s, level: info}}\n"
        "                             ^\n"
        "web.yaml:2:41: unknown key \"level\" (it belongs to log)\n"
        "  apps: {web: {command: ./s, timeout: 5s, level: info}}\n"
        "                                          ^\n");
}

TEST_CASE("a key written with dots says how to nest it") {
  CHECK(told("apps: {web: {command: ./s, ready.timeout: 5s}}\n") ==
        "web.yaml:1:28: unknown key \"ready.timeout\" (write \"timeout\" below \"ready\")\n"
        "  apps: {web: {command: ./s, ready.timeout: 5s}}\n"
        "                             ^\n");
}

TEST_CASE("keys of what liveswap cannot do are unknown like any other") {
  for (std::string key : {"probes", "canary", "einhorn"}) {
    CHECK(told("apps: {web: {command: ./s, " + key + ": x}}\n") == "web.yaml:1:28: unknown key \"" + key +
                                                                       "\"\n"
                                                                       "  apps: {web: {command: ./s, " +
                                                                       key +
                                                                       ": x}}\n"
                                                                       "                             ^\n");
  }
}

TEST_CASE("x- keys are ignored at the top, and only there") {
  CHECK(told("x-anything: {at: [all]}\napps: {web: {command: ./s}}\n") == "");
  CHECK(told("apps: {web: {command: ./s, x-a: 1}}\n") ==
        "web.yaml:1:28: unknown key \"x-a\"\n"
        "  apps: {web: {command: ./s, x-a: 1}}\n"
        "                             ^\n");
}

TEST_CASE("what a file says cannot drive the terminal") {
  CHECK(told("\"a\\e[31m\": 1\napps: {web: {command: ./s}}\n") ==
        "web.yaml:1:1: unknown key \"a\\x1b[31m\"\n"
        "  \"a\\e[31m\": 1\n"
        "  ^\n");
}

TEST_CASE("many mistakes are counted beyond the fiftieth") {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "qqqqqqqqqq" + std::to_string(i) + ": 1\n";
  auto loaded = load_text("web.yaml", text + "apps: {web: {command: ./s}}\n", test_facts());
  REQUIRE(!loaded);
  CHECK(loaded.error().size() == 51);
  CHECK(render(loaded.error().back()) == "web.yaml: and 10 more\n");
}

TEST_CASE("each key stands in the table once, below a key that is there") {
  std::set<std::string, std::less<>> paths;
  for (const auto& key : all_keys()) {
    CAPTURE(key.path);
    CHECK(paths.emplace(key.path).second);
    auto dot = key.path.rfind('.');
    if (dot != std::string_view::npos) CHECK(paths.contains(key.path.substr(0, dot)));
    CHECK_FALSE(key.type.empty());
    CHECK_FALSE(key.doc.empty());
  }
}

TEST_CASE("names in messages cannot drive the terminal, nor break the line") {
  CHECK(told("apps:\n  web:\n    command: ./s\n    env: {\"A\\nB\\e[1m\": [1]}\n") ==
        "web.yaml:4:11: apps.web.env.A\\nB\\x1b[1m: \"A\\nB\\x1b[1m\" is not the name of a variable\n"
        "      env: {\"A\\nB\\e[1m\": [1]}\n"
        "            ^\n"
        "web.yaml:4:24: apps.web.env.A\\nB\\x1b[1m: one value is needed here, not a list\n"
        "      env: {\"A\\nB\\e[1m\": [1]}\n"
        "                         ^\n");
}

TEST_CASE("the table names every word that a key can have") {
  const auto type_of = [](std::string_view path) {
    const auto keys = all_keys();
    return std::string(std::find_if(keys.begin(), keys.end(), [&](const Key& key) { return key.path == path; })->type);
  };
  const auto words_of = [](std::span<const std::string_view> names) {
    return joined(std::vector<std::string>(names.begin(), names.end()), " | ");
  };
  namespace core = liveswap::core;
  CHECK(type_of("log.level") == words_of(core::names<core::LogLevel>()));
  CHECK(type_of("log.format") == words_of(core::names<core::LogFormat>()));
  CHECK(type_of("start.on_failure") == words_of(core::names<core::OnStartFailure>()));
  CHECK(type_of("apps.*.protocol") == words_of(core::names<core::Protocol>()));
  CHECK(type_of("apps.*.ready.when") == words_of(core::names<core::ReadyWhen>()));
  CHECK(type_of("apps.*.output") == words_of(core::names<core::Output>()));
}
