#include "ctl/help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "config/text.hpp"
#include "ctl/arguments.hpp"

namespace liveswap::ctl {

namespace {

using wire::control::Command;
using wire::control::Level;

std::string option_lines(const std::vector<Option>& options) {
  std::string out;
  for (const Option& option : options) {
    out += config::two_columns(config::option_column(option.letter, option.name, option.value), 27, option.help);
  }
  return out;
}

std::string_view who_may(Level level) {
  switch (level) {
    case Level::observers: return "Observers, operators and admins may do this.";
    case Level::operators: return "Operators and admins may do this.";
    default: return "Only admins may do this.";
  }
}

}  // namespace

std::string usage_line(const Command& command) {
  return fmt::format("usage: liveswapctl {} [OPTIONS]{}{}\n", command.name,
                     command.arguments.empty() ? "" : " ", command.arguments);
}

std::string program_help() {
  std::string out =
      "usage: liveswapctl [-n NAME | -c FILE | --control PATH] COMMAND [OPTIONS]\n"
      "                   [ARGUMENTS]\n"
      "Asks a running liveswap to do something, or how it is.\n\n";
  for (const Command& command : wire::control::commands()) {
    out += config::two_columns(fmt::format("  {}", command.name), 15, command.help);
  }
  out += "\nEvery command has:\n" + option_lines(options_of(""));
  out +=
      "  -v, --version            print the client's version\n\n"
      "Without an option, $LIVESWAP_CONTROL or $LIVESWAP_NAME say which master it is,\n"
      "else it is the one that can be reached. `liveswapctl COMMAND --help` tells more\n"
      "of a command, liveswapctl(8) everything.\n";
  return out;
}

std::string command_help(const Command& command) {
  std::string out = usage_line(command);
  std::string help(command.help);
  help.front() = static_cast<char>(help.front() - 'a' + 'A');
  out += help + ".\n";
  if (command.level != Level::none) out += std::string(who_may(command.level)) + "\n";
  const auto options = options_of(command.name);
  const auto common = std::ranges::find(options, std::string_view{}, &Option::command);
  if (common != options.begin()) out += "\n" + option_lines({options.begin(), common});
  return out + "\nEvery command has:\n" + option_lines({common, options.end()});
}

}  // namespace liveswap::ctl
