#include "ctl/help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "ctl/arguments.hpp"

namespace liveswap::ctl {

namespace {

using wire::control::Command;
using wire::control::Level;

constexpr std::size_t kColumns = 79;

// `left`, then `right` from `column` on, broken between words.
std::string two_columns(std::string left, std::size_t column, std::string_view right) {
  std::string out = std::move(left);
  std::size_t width = out.size();
  if (width + 2 > column) {
    out += "\n";
    width = 0;
  }
  out.append(column - width, ' ');
  width = column;
  while (!right.empty()) {
    const std::size_t end = std::min(right.find(' '), right.size());
    const std::string_view word = right.substr(0, end);
    if (width > column && width + 1 + word.size() > kColumns) {
      out += "\n" + std::string(column, ' ');
      width = column;
    }
    if (width > column) {
      out += ' ';
      ++width;
    }
    out += word;
    width += word.size();
    right.remove_prefix(std::min(end + 1, right.size()));
  }
  return out + "\n";
}

std::string option_lines(const std::vector<Option>& options) {
  std::string out;
  for (const Option& option : options) {
    std::string left = option.letter != '\0' ? fmt::format("  -{}, --{}", option.letter, option.name)
                                             : fmt::format("      --{}", option.name);
    if (!option.value.empty()) left += " " + std::string(option.value);
    out += two_columns(std::move(left), 27, option.help);
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
    out += two_columns(fmt::format("  {}", command.name), 14, command.help);
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
