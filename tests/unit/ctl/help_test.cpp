// --help is made of the tables; its form is looked at here.
#include "ctl/help.hpp"

#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "ctl/style.hpp"

namespace liveswap::ctl {
namespace {

TEST_CASE("every command's help fits 80 columns") {
  std::string all = program_help();
  for (const auto& command : wire::control::commands()) all += command_help(command);
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) {
    CAPTURE(line);
    CHECK(width_of(line) < 80);
    CHECK_FALSE(line.ends_with(' '));
  }
}

TEST_CASE("the help of a command has its usage, who may, its own options, and those of all") {
  CHECK(command_help(*wire::control::find_command("logs")) ==
        "usage: liveswapctl logs [OPTIONS] [APP]\n"
        "Show what the workers wrote last.\n"
        "Observers, operators and admins may do this.\n"
        "\n"
        "  -f, --follow             go on with what is written from now on\n"
        "      --tail N             begin with the last N lines; 100 without it\n"
        "\n"
        "Every command has:\n"
        "  -n, --name NAME          the master with that name\n"
        "  -c, --config FILE        the master that runs this configuration file\n"
        "      --control PATH       the master with this control socket\n"
        "      --json               print JSON, one object a line\n"
        "  -h, --help               print this\n");
}

TEST_CASE("the program's help names every command") {
  const std::string help = program_help();
  for (const auto& command : wire::control::commands()) {
    CAPTURE(command.name);
    CHECK(help.find("\n  " + std::string(command.name) + " ") != std::string::npos);
  }
}

}  // namespace
}  // namespace liveswap::ctl
