// The master's own command line: `liveswap -c FILE`, `liveswap -s TARGET …`, and the short forms, `liveswap -u …`, that
// liveswapctl answers.
//
// Pure: words in, options or a usage error out. Nothing is looked up or opened here.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace liveswap::master {

struct Options {
  enum class Mode { run, check, order, help, version } mode = Mode::run;
  std::string file;                    // -c, or ./liveswap.yaml where there is no target
  std::optional<std::string> target;   // -s
  std::optional<std::string> head;     // -H
  std::optional<int> forks;            // -f
  std::vector<std::string> listeners;  // -l [NAME=]ADDRESS
  std::vector<std::string> arguments;  // after --
  bool overlap = true;                 // false: -z
  bool guardian = true;
  std::optional<std::string> check_state;
  std::optional<std::string> name;     // -n
  std::optional<std::string> control;  // --control
  std::optional<std::string> pre_upgrade;  // --pre-upgrade
  std::optional<int> port;                 // -p
  std::optional<std::string> address;      // -a
  std::vector<std::string> order;      // Mode::order: the words for liveswapctl

  // Without a configuration file: by -s, or by what -H names.
  [[nodiscard]] bool by_target() const { return target || head; }
};

// `words` without the program's name. The error is one sentence, without the program's name.
std::expected<Options, std::string> parse_options(std::vector<std::string> words);

// What --help prints.
std::string help_text();

inline constexpr const char* kDefaultFile = "liveswap.yaml";

}  // namespace liveswap::master
