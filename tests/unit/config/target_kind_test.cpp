// How a target that is run itself is run: by its `#!` line, else by its ending.
#include "config/describe.hpp"
#include "config/target_kind.hpp"

#include "helpers.hpp"

using namespace liveswap;
using namespace liveswap::config;

namespace {

using Words = std::vector<std::string>;

// "node: node" with the words before the target and the protocol; "?" where nothing says how it is run.
std::string kind(std::string_view path, bool is_executable, std::string_view head = "") {
  const auto found = kind_of_target(path, is_executable, head);
  if (!found) return "?";
  std::string text;
  for (const auto& word : found->interpreter) text += (text.empty() ? "" : "|") + word;
  return text + ": " + std::string(core::name_of(found->protocol(true)));
}

}  // namespace

TEST_CASE("an executable file is executed, and is a Node.js script if its first line says so") {
  CHECK(kind("server", true, "\177ELF") == ": systemd");
  CHECK(kind("server.py", true, "\177ELF") == ": systemd");
  CHECK(kind("server", true) == ": systemd");
  CHECK(kind("server", true, "#!/bin/sh\n") == ": systemd");
  CHECK(kind("server", true, "#!/usr/bin/env node\n") == ": node");
  CHECK(kind("server.js", true, "#!/bin/sh\n") == ": systemd");
}

TEST_CASE("what is no Node.js script and has no listener is taken to bind by itself") {
  const auto program = kind_of_target("server", true, "\177ELF");
  REQUIRE(program);
  CHECK(program->protocol(false) == core::Protocol::bind);
  CHECK(program->protocol(true) == core::Protocol::systemd);
  const auto script = kind_of_target("server.js", false, "");
  REQUIRE(script);
  CHECK(script->protocol(false) == core::Protocol::node);
}

TEST_CASE("a script that is not executable is run by its first line, as the kernel reads that") {
  CHECK(kind("x", false, "#!/bin/sh\necho") == "/bin/sh: systemd");
  CHECK(kind("x.js", false, "#! /usr/bin/python3 -u -X dev \necho") == "/usr/bin/python3|-u -X dev: systemd");
  CHECK(kind("x", false, "#!/opt/node/bin/node") == "/opt/node/bin/node: node");
  CHECK(kind("x", false, "#!/usr/bin/env -S A=1 node --flag\n") == "/usr/bin/env|-S A=1 node --flag: node");
  CHECK(kind("x", false, "#!/usr/bin/env python3\n") == "/usr/bin/env|python3: systemd");
  CHECK(kind("x", false, std::string_view("#!/bin/sh\0x\n", 13)) == "/bin/sh: systemd");
  CHECK(kind("x", false, "#!\n") == "?");
}

TEST_CASE("without a first line that says so it goes by its ending") {
  CHECK(kind("/a/index.js", false, "var http\n") == "node: node");
  CHECK(kind("index.mjs", false) == "node: node");
  CHECK(kind("index.cjs", false) == "node: node");
  CHECK(kind("a.py", false) == "python3: systemd");
  CHECK(kind("a.rb", false) == "ruby: systemd");
  CHECK(kind("a.pl", false) == "perl: systemd");
  CHECK(kind("a.php", false) == "php: systemd");
  CHECK(kind("a.js", true, "var http\n") == "node: node");  // the kernel could not execute it
  CHECK(kind("/a/.js", false) == "?");
  CHECK(kind("a.sh", false) == "?");
  CHECK(kind("/a.js/b", false) == "?");
}

TEST_CASE("a file's target chooses the protocol where nothing else does") {
  const auto app = [](const std::string& keys) { return plan_of("apps: {web: {" + keys + "}}\n").apps[0]; };
  CHECK(app("target: /srv/index.js").protocol == core::Protocol::node);
  CHECK(app("target: /srv/index.js").protocol_chosen);
  CHECK(app("target: /srv/server").protocol == core::Protocol::bind);
  const auto with_listener = plan_of("listeners: {http: tcp://:80}\napps: {web: {target: /srv/server}}\n").apps[0];
  CHECK(with_listener.protocol == core::Protocol::systemd);
  CHECK(app("target: /srv/index.js, protocol: systemd").protocol == core::Protocol::systemd);
  CHECK_FALSE(app("target: /srv/index.js, protocol: systemd").protocol_chosen);
  CHECK(app("target: /srv/index.js, command: ./server").protocol == core::Protocol::systemd);
  CHECK(app("target: /srv/index.js, drain: {message: shutdown}").drain_message == "shutdown");
}

TEST_CASE("--check says what runs a target") {
  const auto text = describe(plan_of("apps: {web: {target: /srv/index.js}}\n"), test_facts());
  CHECK(text.find("\n  command     node /srv/index.js\n") != std::string::npos);
  CHECK(text.find("\n  protocol    node (by the kind of the target)\n") != std::string::npos);
}
