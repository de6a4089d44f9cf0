// The command line of liveswapctl: words in, a command with its options or a usage error out. Pure.
//
// Options may stand before and after the command and its arguments. `--` ends them; what follows is the
// COMMAND of `upgrade`, and arguments of any other command. A word like -2 is an argument, not an option.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/control.hpp"

namespace liveswap::ctl {

struct Option {
  std::string_view command;  // "" for all
  std::string_view name;
  char letter = '\0';
  std::string_view value;  // "" for a flag
  std::string_view help;
};

std::span<const Option> all_options();
std::vector<Option> options_of(std::string_view command);   // its own, then those of all
std::vector<std::string> choices_of(const Option& option);  // empty where the value is free

struct Arguments {
  const wire::control::Command* command = nullptr;  // none: only --help or --version
  bool version = false;
  std::vector<std::string> words;
  std::optional<std::vector<std::string>> program;                       // of upgrade: what follows `--`
  std::map<std::string, std::vector<std::string>, std::less<>> options;  // in the order given; flags have ""

  [[nodiscard]] bool has(std::string_view option) const { return options.contains(option); }
  [[nodiscard]] std::optional<std::string> value(
      std::string_view option) const;  // the only one that is given
};

struct UsageError {
  std::string text;          // one sentence
  std::string_view command;  // whose --help would help; "" for the program's
};

std::expected<Arguments, UsageError> parse_arguments(const std::vector<std::string>& words);

// Whether --json is among the options, for errors that come before or from parsing.
bool asks_for_json(const std::vector<std::string>& words);

}  // namespace liveswap::ctl
