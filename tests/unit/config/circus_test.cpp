// circus's names in commands, in both of their forms.
#include "config/circus.hpp"

#include <string>

#include "helpers.hpp"

using namespace liveswap::config;
using Words = std::vector<std::string>;

namespace {

Words command_of(const std::string& yaml) {
  return plan_of("listeners: {web: tcp://:80}\napps: {web: {command: " + yaml + "}}\n").apps[0].command;
}

}  // namespace

TEST_CASE("a reference is one word in its parentheses") {
  CHECK(circus_reference("$(circus.wid) x") == 13);
  CHECK(circus_reference("((circus.sockets.web))x") == 22);
  CHECK(circus_name("((circus.sockets.web))") == "circus.sockets.web");
  CHECK(circus_name("$(circus.wid)") == "circus.wid");
  for (const char* text : {"", "$", "(", "$(circus.wid", "((circus.wid)", "$(circus wid)", "$(hostname)", "((1 + 2))",
                           "$(circus.a$(b))", "x$(circus.wid)"}) {
    CAPTURE(text);
    CHECK(circus_reference(text) == 0);
  }
  CHECK(with_dollars("a((circus.wid))b((CIRCUS.sockets.x))((y))") == "a$(circus.wid)b$(CIRCUS.sockets.x)((y))");
}

TEST_CASE("in a command that is split, circus's parentheses are no shell's") {
  const Words expected{"chaussette", "--fd", "$(circus.sockets.web)", "$(circus.wid)"};
  CHECK(command_of("chaussette --fd $(circus.sockets.web) $(circus.wid)") == expected);
  CHECK(command_of("chaussette --fd ((circus.sockets.web)) ((circus.wid))") == expected);
  CHECK(command_of("'chaussette --fd \"$(circus.sockets.web)\" $(circus.wid)'") == expected);
  CHECK(command_of("[chaussette, --fd, ((circus.sockets.web)), $(circus.wid)]") == expected);
}

TEST_CASE("what circus does not have, or the app does not list, is told where it stands") {
  CHECK(told_of_app("    command: ./s $(circus.pid)\n") ==
        "web.yaml:6:18: apps.web.command: unknown variable \"$(circus.pid)\": of circus there are "
        "$(circus.sockets.NAME) and $(circus.wid)\n"
        "      command: ./s $(circus.pid)\n"
        "                   ^\n");
  CHECK(told_of_app("    command: ./s $(circus.sockets.htp)\n") ==
        "web.yaml:6:18: apps.web.command: $(circus.sockets.htp): there is no listener \"htp\" (did you mean "
        "\"http\"?)\n"
        "      command: ./s $(circus.sockets.htp)\n"
        "                   ^\n");
  CHECK(told_of_app("    command: ./s $(circus.sockets.API)\n    listeners: [http]\n").starts_with(
      "web.yaml:6:18: apps.web.command: $(circus.sockets.API): \"API\" is not among this app's listeners\n"));
  CHECK(told_of_app("    command: ./s\n    env: {A: \"$(circus.wid)\"}\n").starts_with(
      "web.yaml:7:15: apps.web.env.A: $(circus.wid): circus's names are for command: only\n"));
}
