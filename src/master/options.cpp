#include "master/options.hpp"

#include <algorithm>
#include <cxxopts.hpp>

namespace liveswap::master {

namespace {

// Everything after `--` belongs to the target; cxxopts would take it for its own.
std::vector<std::string> take_arguments(std::vector<std::string>& words) {
  const auto separator = std::ranges::find(words, "--");
  if (separator == words.end()) return {};
  std::vector<std::string> arguments(separator + 1, words.end());
  words.erase(separator, words.end());
  return arguments;
}

cxxopts::Options known_options() {
  cxxopts::Options known("liveswap");
  known.add_options()
    ("c,config", "", cxxopts::value<std::string>())
    ("t,check", "")
    ("s,start", "", cxxopts::value<std::string>())
    ("f,forks", "", cxxopts::value<int>())
    ("l,listen", "", cxxopts::value<std::vector<std::string>>())
    ("n,name", "", cxxopts::value<std::string>())
    ("control", "", cxxopts::value<std::string>())
    ("v,version", "")
    ("h,help", "")
    ("stray", "", cxxopts::value<std::vector<std::string>>());
  known.parse_positional("stray");
  return known;
}

std::optional<std::string> text_of(const cxxopts::ParseResult& given, const char* option) {
  if (given.count(option) == 0) return std::nullopt;
  return given[option].as<std::string>();
}

std::optional<std::string> only_with_target(const Options& options, bool separator) {
  if (options.target) return std::nullopt;
  if (options.forks) return "-f needs -s TARGET; with a file it is `workers:`";
  if (!options.listeners.empty()) return "-l needs -s TARGET; with a file it is `listeners:`";
  if (separator) return "arguments after -- need -s TARGET; with a file they are part of `command:`";
  return std::nullopt;
}

// One option twice is a slip that cxxopts would settle by taking the last.
std::optional<std::string> given_twice(const cxxopts::ParseResult& given) {
  for (const char* option : {"config", "start", "forks", "name", "control"}) {
    if (given.count(option) > 1) return std::string("--") + option + " is given twice";
  }
  return std::nullopt;
}

std::expected<Options, std::string> options_of(const cxxopts::ParseResult& given, std::vector<std::string> arguments,
                                               bool separator) {
  Options options;
  if (given.count("help") != 0) return Options{.mode = Options::Mode::help};
  if (given.count("version") != 0) return Options{.mode = Options::Mode::version};
  if (const auto twice = given_twice(given)) return std::unexpected(*twice);
  if (given.count("stray") != 0) {
    const std::string word = given["stray"].as<std::vector<std::string>>().front();
    return std::unexpected("unexpected argument \"" + word + "\"; a file is given with -c, a program with -s");
  }
  if (given.count("check") != 0) options.mode = Options::Mode::check;
  options.target = text_of(given, "start");
  if (options.target && given.count("config") != 0) return std::unexpected("-c and -s exclude each other");
  options.file = options.target ? "" : text_of(given, "config").value_or(kDefaultFile);
  options.name = text_of(given, "name");
  options.control = text_of(given, "control");
  if (given.count("forks") != 0) options.forks = given["forks"].as<int>();
  if (given.count("listen") != 0) options.listeners = given["listen"].as<std::vector<std::string>>();
  options.arguments = std::move(arguments);
  if (const auto problem = only_with_target(options, separator)) return std::unexpected(*problem);
  if (!options.target && options.name) return std::unexpected("-n needs -s TARGET; with a file it is `name:`");
  if (!options.target && options.control) {
    return std::unexpected("--control needs -s TARGET; with a file it is `control.socket:`");
  }
  return options;
}

}  // namespace

std::expected<Options, std::string> parse_options(std::vector<std::string> words) {
  const bool separator = std::ranges::find(words, "--") != words.end();
  std::vector<std::string> arguments = take_arguments(words);
  std::vector<const char*> argv{"liveswap"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  try {
    cxxopts::Options known = known_options();
    return options_of(known.parse(static_cast<int>(argv.size()), argv.data()), std::move(arguments), separator);
  } catch (const cxxopts::exceptions::exception& error) {
    return std::unexpected(error.what());
  }
}

std::string help_text() {
  return R"(liveswap keeps a network service up while its code changes.

Usage:
  liveswap [-c FILE]            run in the foreground, by ./liveswap.yaml or FILE
  liveswap [-c FILE] --check    read the file, print what would run, and leave
  liveswap -s TARGET -l [NAME=]ADDRESS … [-- ARGUMENT …]
                                run TARGET without a file

Options:
  -c, --config FILE     the configuration, liveswap.yaml(5)
  -t, --check           validate and print, descriptor by descriptor; run nothing
  -s, --start TARGET    the program to run; the app is called "default"
  -f, --forks N         how many workers, with -s (default: 2)
  -l, --listen [NAME=]ADDRESS
                        a listener, with -s: tcp://0.0.0.0:8080, unix:/run/x.sock, …
  -n, --name NAME       the master's name, with -s (default: default)
      --control PATH    the control socket, with -s
  -v, --version         print the version
  -h, --help            print this

The running master is driven by liveswapctl(8): status, upgrade, scale, …
Exit status: 0 asked to stop; 1 could not start or go on; 2 wrong usage or bad file.
)";
}

}  // namespace liveswap::master
