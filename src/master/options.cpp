#include "master/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/text.hpp"
#include "master/command_line.hpp"

namespace liveswap::master {

namespace {

using Problem = std::optional<std::string>;

constexpr std::string_view kNeedsTarget = "needs -s TARGET, or -H FILE";

std::vector<std::string> words_in(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// One option twice is a slip that would otherwise be settled by taking the last.
Problem given_twice(const CommandLine& line) {
  for (const Option& option : kOptions) {
    if (option.times == Times::many || !line.has(option.key()) || line.values.at(option.key()).size() < 2) continue;
    return (option.name.empty() ? option.spelling() : "--" + std::string(option.name)) + " is given twice";
  }
  for (const auto& [name, values] : line.orders) {
    if (values.size() > 1) return "--" + name + " is given twice";
  }
  return std::nullopt;
}

// ---- short forms ----

Problem not_with_order(const CommandLine& line, const Order& order) {
  const std::string spelling = order.spelling();
  for (const char* starter : {"start", "head", "config"}) {
    if (!line.has(starter)) continue;
    return fmt::format("{} is --{}: it asks the liveswap that runs {}; -{} starts one, which stays in the foreground",
                       spelling, order.name, order.meaning, *starter == 'h' ? 'H' : *starter);
  }
  for (const Option& option : kOptions) {
    if (!line.has(option.key()) || (option.forms & an_order) != 0) continue;
    return fmt::format("{} does not go with {}, which asks the liveswap that runs {}", option.spelling(), spelling,
                       order.meaning);
  }
  if (line.arguments) return fmt::format("arguments after -- do not go with {}", spelling);
  if (line.stray.empty()) return std::nullopt;
  const std::string& word = line.stray.front();
  if (order.value.empty()) return fmt::format("{} takes no argument; \"{}\" is one", spelling, word);
  return fmt::format("{} takes one argument; \"{}\" is a second one", spelling, word);
}

std::expected<Options, std::string> options_of_order(const CommandLine& line) {
  const auto& [name, values] = *line.orders.begin();
  const Order& order = *std::ranges::find(kOrders, name, &Order::name);
  if (line.orders.size() > 1) {
    const Order& other = *std::ranges::find(kOrders, std::next(line.orders.begin())->first, &Order::name);
    return std::unexpected(
        fmt::format("{} and {} exclude each other: one at a time", order.spelling(), other.spelling()));
  }
  if (const auto problem = not_with_order(line, order)) return std::unexpected(*problem);
  Options options{.mode = Options::Mode::order};
  for (const char* which : {"name", "control"}) {
    const auto value = line.value(which);
    if (value) options.order.insert(options.order.end(), {std::string("--") + which, *value});
  }
  const std::optional<std::string>& value = values.front();
  if (value && value->empty()) return std::unexpected(order.spelling() + ": what follows it is empty");
  const auto words = words_in(value ? order.with_value : order.alone);
  options.order.insert(options.order.end(), words.begin(), words.end());
  if (value) options.order.push_back(*value);
  return options;
}

// ---- a start ----

Problem needs_target(const CommandLine& line) {
  for (const Option& option : kOptions) {
    if (!line.has(option.key()) || (option.forms & by_file) != 0) continue;
    const std::string instead = option.in_file.empty() ? "" : fmt::format("; with a file it is `{}`", option.in_file);
    return fmt::format("{} {}{}", option.spelling(), kNeedsTarget, instead);
  }
  if (line.arguments)
    return fmt::format("what stands after -- {}; with a file it is part of `command:`", kNeedsTarget);
  return std::nullopt;
}

Problem unexpected_word(const CommandLine& line, bool by_target) {
  if (line.stray.empty()) return std::nullopt;
  return fmt::format("unexpected argument \"{}\"; {}", line.stray.front(),
                     by_target ? "what is meant for the target stands after --"
                               : "a file is given with -c, a program with -s");
}

std::expected<std::optional<int>, std::string> number_in(const CommandLine& line, const char* option,
                                                         std::string_view what) {
  const auto text = line.value(option);
  if (!text) return std::nullopt;
  int number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error == std::errc{} && end == text->data() + text->size()) return number;
  return std::unexpected(fmt::format("-{} {}: {} is needed", *option, *text, what));
}

std::expected<Options, std::string> options_of_start(const CommandLine& line) {
  Options options;
  if (line.has("check")) options.mode = Options::Mode::check;
  options.target = line.value("start");
  options.head = line.value("head");
  const bool by_target = options.by_target();
  if (const auto stray = unexpected_word(line, by_target)) return std::unexpected(*stray);
  if (by_target && line.has("config"))
    return std::unexpected(fmt::format("-c and {} exclude each other", options.target ? "-s" : "-H"));
  if (!by_target) {
    if (const auto problem = needs_target(line)) return std::unexpected(*problem);
    options.file = line.value("config").value_or(kDefaultFile);
  }
  const auto forks = number_in(line, "forks", "a number of workers");
  if (!forks) return std::unexpected(forks.error());
  options.forks = *forks;
  const auto port = number_in(line, "port", "a port");
  if (!port) return std::unexpected(port.error());
  options.port = *port;
  options.address = line.value("address");
  if (line.has("listen")) options.listeners = line.values.at("listen");
  options.arguments = line.arguments.value_or(std::vector<std::string>{});
  options.overlap = !line.has("z");
  options.guardian = !line.has("no-guardian");
  options.check_state = line.value("check-state");
  options.name = line.value("name");
  options.control = line.value("control");
  options.pre_upgrade = line.value("pre-upgrade");
  return options;
}

// ---- --help ----

constexpr std::size_t kHelpColumn = 25;

std::string help_line(const auto& option) {
  return config::two_columns(config::option_column(option.letter, option.name, option.value), kHelpColumn, option.help);
}

// Those that go with everything come last.
std::string option_lines(bool with_everything) {
  constexpr unsigned everything = by_file | a_target | an_order;
  std::string out;
  for (const Option& option : kOptions) {
    if ((option.forms == everything) != with_everything) continue;
    out += help_line(option);
  }
  return out;
}

std::string order_lines() {
  std::string out;
  for (const Order& order : kOrders) out += help_line(order);
  return out;
}

}  // namespace

std::expected<Options, std::string> parse_options(std::vector<std::string> words) {
  const auto line = read_command_line(std::move(words));
  if (!line) return std::unexpected(line.error());
  if (line->has("help")) return Options{.mode = Options::Mode::help};
  if (line->has("version")) return Options{.mode = Options::Mode::version};
  if (const auto twice = given_twice(*line)) return std::unexpected(*twice);
  return line->orders.empty() ? options_of_start(*line) : options_of_order(*line);
}

std::string help_text() {
  return R"(liveswap keeps a network service up while its code changes.

Usage:
  liveswap [-c FILE]            run in the foreground, by ./liveswap.yaml or FILE
  liveswap [-c FILE] --check    read the file, print what would run, and leave
  liveswap -s TARGET [-l [NAME=]ADDRESS]… [-f N] [-H FILE] [-z] [-- ARGUMENT…]
                                run TARGET without a file
  liveswap -H FILE …            the same, with the TARGET that FILE names
  liveswap -u [TARGET] | -k | -d | -m TEXT
                                ask the liveswap that runs

Options:
)" + option_lines(false) +
         "\nAsking the liveswap that runs, by liveswapctl(8):\n" + order_lines() + "\n" + option_lines(true) + R"(
liveswapctl(8) has more: status, upgrade, rolling restart, scale, …
Exit status: 0 asked to stop; 1 could not start or go on; 2 wrong usage or bad
file; with -u, -k, -d and -m that of liveswapctl.
)";
}

}  // namespace liveswap::master
