// The completion scripts have every command and option. Those of liveswap itself are looked for in tests/tidy; that
// shells take the scripts is tried in tests/integration.
#include "ctl/completion.hpp"

#include <doctest/doctest.h>

#include <string>

#include "ctl/arguments.hpp"

namespace liveswap::ctl {
namespace {

TEST_CASE("every script has every command, and every option in its spelling") {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const auto script = completion_script(shell);
    REQUIRE(script);
    CAPTURE(shell);
    for (const auto& command : wire::control::commands()) {
      CAPTURE(command.name);
      CHECK(script->find(command.name) != std::string::npos);
    }
    for (const Option& option : all_options()) {
      const std::string spelling = (shell == std::string("fish") ? "-l " : "--") + std::string(option.name);
      CAPTURE(spelling);
      CHECK(script->find(spelling) != std::string::npos);
    }
  }
}

TEST_CASE("another shell has no script") {
  CHECK_FALSE(completion_script("tcsh"));
  CHECK_FALSE(completion_script(""));
}

}  // namespace
}  // namespace liveswap::ctl
