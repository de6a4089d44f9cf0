// What an app runs: command, target, cwd, and the ${…} in them.
#include <string>

#include "config/template_check.hpp"
#include "helpers.hpp"

using namespace liveswap;
using namespace liveswap::config;

namespace {

using Words = std::vector<std::string>;

Words command_of(const std::string& yaml) {
  return plan_of("listeners: {http: tcp://:80}\napps: {web: {command: " + yaml + "}}\n").apps[0].command;
}

}  // namespace

TEST_CASE("a command is a list of words, or a text that is split") {
  CHECK(command_of("[./server, --port, 80, no, ~, \"a b\"]") ==
        Words{"./server", "--port", "80", "no", "~", "a b"});
  CHECK(command_of("./server --name 'a b' -x") == Words{"./server", "--name", "a b", "-x"});
  CHECK(command_of("\"./server \\\"a b\\\" c\\\\ d\"") == Words{"./server", "a b", "c d"});
}

TEST_CASE("a text over several lines is one command") {
  CHECK(plan_of("apps:\n  web:\n    command: >\n      ./server\n      --fast\n").apps[0].command ==
        Words{"./server", "--fast"});
  CHECK(plan_of("apps:\n  web:\n    command: |\n      ./server \\\n        --fast\n").apps[0].command ==
        Words{"./server", "--fast"});
}

TEST_CASE("what only a shell can do is refused, where it stands") {
  CHECK(told_of_app("    command: ./server | tee log\n") ==
        "web.yaml:6:23: apps.web.command: \"|\" means something to a shell only; no shell is run: quote it, "
        "or write "
        "[sh, -c, …]\n"
        "      command: ./server | tee log\n"
        "                        ^\n");
  CHECK(told_of_app("    command: ./server --id $(hostname)\n") ==
        "web.yaml:6:28: apps.web.command: \"$(\" means something to a shell only; no shell is run: quote it, "
        "or write "
        "[sh, -c, …]\n"
        "      command: ./server --id $(hostname)\n"
        "                             ^\n");
  CHECK(told_of_app("    command: PORT=80 ./server\n") ==
        "web.yaml:6:14: apps.web.command: variables are set in env:, not before the program\n"
        "      command: PORT=80 ./server\n"
        "               ^\n");
  CHECK(told_of_app("    command: ./server 'a b\n") ==
        "web.yaml:6:23: apps.web.command: this ' is not closed\n"
        "      command: ./server 'a b\n"
        "                        ^\n");
}

TEST_CASE("in a list, nothing means anything to a shell") {
  CHECK(command_of("[./server, \"a | b\", \"$(x)\", $HOME]") == Words{"./server", "a | b", "$(x)", "$HOME"});
}

TEST_CASE("a command needs a program") {
  CHECK(told_of_app("    command: []\n") ==
        "web.yaml:6:14: apps.web.command: a program is needed\n"
        "      command: []\n"
        "               ^\n");
  CHECK(told_of_app("    command: \"\"\n") ==
        "web.yaml:6:14: apps.web.command: a program is needed\n"
        "      command: \"\"\n"
        "               ^\n");
  CHECK(told_of_app("    command: {run: x}\n") ==
        "web.yaml:6:14: apps.web.command: one value is needed here, not a map\n"
        "      command: {run: x}\n"
        "               ^\n");
  CHECK(told_of_app("    command:\n      - ./server\n      - --opt: x\n      -\n") ==
        "web.yaml:8:9: apps.web.command: a word is needed here, not a map: quote what holds \": \" or { }\n"
        "        - --opt: x\n"
        "          ^\n"
        "web.yaml:9:7: apps.web.command: a word is needed here, not nothing\n"
        "        -\n"
        "        ^\n");
}

TEST_CASE("an app without command and target is told so") {
  CHECK(told_of_app("    workers: 2\n") ==
        "web.yaml:5:3: apps.web: command: or target: must say what to run\n"
        "    web:\n"
        "    ^\n");
}

TEST_CASE("a target is absolute and may be missing now") {
  auto plan = plan_of("apps: {web: {target: releases/../current}}\n");
  CHECK(plan.apps[0].target == "/home/me/releases/../current");
  CHECK(plan.apps[0].command.empty());
  CHECK(told("apps: {web: {target: /srv/missing}}\n") ==
        "web.yaml:1:22: warning: apps.web.target: \"/srv/missing\" is not there now\n"
        "  apps: {web: {target: /srv/missing}}\n"
        "                       ^\n");
  CHECK(told("apps: {web: {target: /srv/text}}\n") ==
        "web.yaml:1:22: warning: apps.web.target: \"/srv/text\" is not executable, and neither a #! line nor its "
        "ending says what runs it; known are .js .mjs .cjs .py .rb .pl .php\n"
        "  apps: {web: {target: /srv/text}}\n"
        "                       ^\n");
}

TEST_CASE("a directory as a target needs a command") {
  CHECK(told("apps: {web: {target: /srv/directory}}\n") ==
        "web.yaml:1:22: apps.web.target: \"/srv/directory\" is a directory: command: must say what to run of "
        "it\n"
        "  apps: {web: {target: /srv/directory}}\n"
        "                       ^\n");
  CHECK(told("apps: {web: {target: /srv/directory, command: \"${target}/run\"}}\n") == "");
}

TEST_CASE("cwd is below the file's folder, or begins with a variable") {
  auto cwd = [](const std::string& keys) {
    return plan_of("apps: {web: {command: ./s" + keys + "}}\n").apps[0].cwd;
  };
  CHECK(cwd("") == "/home/me");
  CHECK(cwd(", cwd: app") == "/home/me/app");
  CHECK(cwd(", cwd: /srv") == "/srv");
  CHECK(cwd(", target: /srv/x, cwd: \"${target}\"") == "${target}");
  CHECK(cwd(", cwd: \"${env:HOME}/x\"") == "${env:HOME}/x");
  CHECK(cwd(", cwd: \"a/${release}\"") == "/home/me/a/${release}");
  auto facts = test_facts();
  facts.working_directory = "/home/$me";
  CHECK(plan_of("apps: {web: {command: ./s, cwd: app}}\n", facts).apps[0].cwd == "/home/$$me/app");
  CHECK(plan_of("apps: {web: {command: ./s}}\n", facts).apps[0].cwd == "/home/$$me");
}

TEST_CASE("what differs from worker to worker is not for cwd") {
  CHECK(
      told_of_app("    command: ./s\n    cwd: /srv/${slot}/${fd:http}\n") ==
      "web.yaml:7:15: apps.web.cwd: ${slot} differs from worker to worker, and a release has one directory\n"
      "      cwd: /srv/${slot}/${fd:http}\n"
      "                ^\n"
      "web.yaml:7:23: apps.web.cwd: ${fd:http} differs from worker to worker, and a release has one "
      "directory\n"
      "      cwd: /srv/${slot}/${fd:http}\n"
      "                        ^\n");
}

TEST_CASE("variables are checked where they stand, in lists, texts and env") {
  CHECK(
      told_of_app("    command: [./s, \"--fd=${fd:htpp}\", '${port:api}']\n    env: {A: \"${target}\"}\n") ==
      "web.yaml:6:26: apps.web.command: ${fd:htpp}: there is no listener \"htpp\" (did you mean \"http\"?)\n"
      "      command: [./s, \"--fd=${fd:htpp}\", '${port:api}']\n"
      "                           ^\n"
      "web.yaml:6:40: apps.web.command: ${port:api}: a Unix socket has no port\n"
      "      command: [./s, \"--fd=${fd:htpp}\", '${port:api}']\n"
      "                                         ^\n"
      "web.yaml:7:15: apps.web.env.A: ${target}: this app has no target\n"
      "      env: {A: \"${target}\"}\n"
      "                ^\n");
  CHECK(told_of_app("    command: ./s --fd ${fd:http:1} --id ${id}\n") ==
        "web.yaml:6:23: apps.web.command: ${fd:http:1}: listener \"http\" has 1 socket, counted from 0\n"
        "      command: ./s --fd ${fd:http:1} --id ${id}\n"
        "                        ^\n"
        "web.yaml:6:41: apps.web.command: unknown variable \"${id}\" (did you mean \"${fd}\"?)\n"
        "      command: ./s --fd ${fd:http:1} --id ${id}\n"
        "                                          ^\n");
}

TEST_CASE("only the app's own listeners have descriptors, all have addresses") {
  CHECK(told("listeners: {a: tcp://:80, b: tcp://:81}\napps:\n  x: {command: [./x, \"${fd:b}\"], listeners: "
             "[a]}\n"
             "  y: {command: [./y, \"${port:a}\", \"${addr:a}\"], listeners: [b]}\n") ==
        "web.yaml:3:23: apps.x.command: ${fd:b}: \"b\" is not among this app's listeners\n"
        "    x: {command: [./x, \"${fd:b}\"], listeners: [a]}\n"
        "                        ^\n");
}

TEST_CASE("a ready command gets no descriptors") {
  CHECK(told_of_app("    command: ./s\n    ready: {when: command, command: \"./ok ${fd:http} ${port:http} "
                    "${slot}\"}\n") ==
        "web.yaml:7:43: apps.web.ready.command: ${fd:http}: a ready command gets no descriptors; "
        "${addr:http} and "
        "${port:http} say where to ask\n"
        "      ready: {when: command, command: \"./ok ${fd:http} ${port:http} ${slot}\"}\n"
        "                                            ^\n");
}

TEST_CASE("whether a target would change anything is known") {
  auto uses = [](const std::string& keys) {
    return uses_target(plan_of("apps: {web: {" + keys + "}}\n").apps[0]);
  };
  CHECK(uses("target: /srv/x"));
  CHECK(uses("target: /srv/x, command: [a, \"${target}\"]"));
  CHECK(uses("target: /srv/x, command: a, cwd: \"${target}\""));
  CHECK(uses("target: /srv/x, command: a, env: {A: \"${target}\"}"));
  CHECK(uses("target: /srv/x, command: a, ready: {when: command, command: \"${target}/ok\"}"));
  CHECK_FALSE(uses("target: /srv/x, command: [a, \"$${target}\"]"));
}

namespace {

// A machine with one program, /bin/tool; `text` and `directory` are what their names say.
Facts one_program() {
  Facts facts = test_facts();
  facts.environment = {"PATH=/sbin:/bin", "TOOL=tool", "HOME=/home/me"};
  facts.kind_of = [](const std::string& path) {
    if (path.ends_with("/directory")) return PathKind::directory;
    if (path.ends_with("/text")) return PathKind::other;
    return path == "/bin/tool" || path == "/home/me/app/tool" ? PathKind::executable : PathKind::missing;
  };
  facts.read_text = [](const std::string& path) -> std::optional<std::string> {
    if (path == "/etc/env") return "PATH=/etc\n";
    return std::nullopt;
  };
  return facts;
}

// The first line of what is told, "" for nothing.
std::string program_warning(const std::string& keys) {
  const auto all = told_of_app(keys, one_program());
  return all.substr(0, all.find('\n'));
}

}  // namespace

TEST_CASE("a program that is not there now is warned of, where it stands") {
  CHECK(program_warning("    command: tool -x\n") == "");
  CHECK(program_warning("    command: [toll, -x]\n") ==
        "web.yaml:6:14: warning: apps.web.command: \"toll\" is in no directory of the app's PATH now");
  CHECK(program_warning("    command: text\n") ==
        "web.yaml:6:14: warning: apps.web.command: \"text\" is in no directory of the app's PATH now");
  CHECK(program_warning("    command: /bin/toll\n") ==
        "web.yaml:6:14: warning: apps.web.command: \"/bin/toll\" is not there now");
  CHECK(program_warning("    command: ./tool\n") ==
        "web.yaml:6:14: warning: apps.web.command: \"./tool\" is not there now: /home/me/tool");
  CHECK(program_warning("    command: ./text\n") ==
        "web.yaml:6:14: warning: apps.web.command: \"./text\" is not executable now: /home/me/text");
  CHECK(program_warning("    command: ./directory\n") ==
        "web.yaml:6:14: warning: apps.web.command: \"./directory\" is a directory: /home/me/directory");
  CHECK(program_warning("    command: tool\n    ready: {when: command, command: ./ok.sh}\n") ==
        "web.yaml:7:37: warning: apps.web.ready.command: \"./ok.sh\" is not there now: /home/me/ok.sh");
}

TEST_CASE("a program is looked for with the app's directory and PATH") {
  CHECK(program_warning("    command: ./tool\n    cwd: app\n") == "");
  CHECK(program_warning("    command: tool\n    env: {PATH: /sbin}\n") ==
        "web.yaml:6:14: warning: apps.web.command: \"tool\" is in no directory of the app's PATH now");
  CHECK(program_warning("    command: tool\n    env: {PATH: '/sbin:'}\n    cwd: app\n") == "");
  CHECK(program_warning("    command: tool\n    env_file: /etc/env\n") ==
        "web.yaml:6:14: warning: apps.web.command: \"tool\" is in no directory of the app's PATH now");
  CHECK(program_warning("    command: \"${env:TOOL}\"\n") == "");
  CHECK(program_warning("    command: \"${env:TOOL}s\"\n") ==
        "web.yaml:6:14: warning: apps.web.command: \"tools\" is in no directory of the app's PATH now");
}

TEST_CASE("a program that is known only later is not warned of") {
  CHECK(program_warning("    command: \"./tool-${slot}\"\n") == "");
  CHECK(program_warning("    command: \"./tool-${port:http}\"\n") == "");
  CHECK(program_warning("    command: tool\n    env_file: /etc/missing\n") == "");
  CHECK(program_warning("    command: toll\n    pass_env: none\n") == "");
  CHECK(program_warning("    command: \"${env:NOWHERE}/tool\"\n") == "");
}
