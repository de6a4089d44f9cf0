#include "master/command_line.hpp"

#include <algorithm>
#include <cxxopts.hpp>

namespace liveswap::master {

namespace {

constexpr const char* kStray = "stray";

// Everything after `--` belongs to the target; cxxopts would take it for its own.
std::optional<std::vector<std::string>> take_arguments(std::vector<std::string>& words) {
  const auto separator = std::ranges::find(words, "--");
  if (separator == words.end()) return std::nullopt;
  std::vector<std::string> arguments(separator + 1, words.end());
  words.erase(separator, words.end());
  return arguments;
}

// `-u PATH`, `-uPATH`, `--upgrade=PATH` or nothing at all: with a value that may be left out, cxxopts takes the next
// word for no part of the option, and letters behind it for further options.
std::vector<std::optional<std::string>> take_with_optional_value(std::vector<std::string>& words, const Order& order) {
  const std::string shorter = order.spelling(), longer = "--" + std::string(order.name);
  std::vector<std::optional<std::string>> values;
  for (auto word = words.begin(); word != words.end();) {
    if (*word == shorter || *word == longer) {
      word = words.erase(word);
      const bool has_value = word != words.end() && !word->starts_with('-');
      values.push_back(has_value ? std::optional(*word) : std::nullopt);
      if (has_value) word = words.erase(word);
    } else if (word->starts_with(longer + "=") || (word->starts_with(shorter) && !word->starts_with("--"))) {
      values.emplace_back(word->substr(word->starts_with("--") ? longer.size() + 1 : shorter.size()));
      word = words.erase(word);
    } else {
      ++word;
    }
  }
  return values;
}

void add_option(cxxopts::Options& known, char letter, std::string_view name, bool has_value) {
  std::string spellings = letter == '\0' ? "" : std::string(1, letter);
  if (!name.empty()) spellings += (spellings.empty() ? "" : ",") + std::string(name);
  known.add_options()(spellings, "", has_value ? cxxopts::value<std::string>() : cxxopts::value<bool>());
}

cxxopts::Options known_options() {
  cxxopts::Options known("liveswap");
  for (const Option& option : kOptions) add_option(known, option.letter, option.name, !option.value.empty());
  for (const Order& order : kOrders) {
    if (!order.may_have_value()) add_option(known, order.letter, order.name, !order.value.empty());
  }
  known.add_options()(kStray, "", cxxopts::value<std::vector<std::string>>());
  known.parse_positional(kStray);
  return known;
}

bool is_flag(const std::string& key) {
  const auto option = std::ranges::find(kOptions, key, &Option::key);
  if (option != kOptions.end()) return option->value.empty();
  const auto order = std::ranges::find(kOrders, key, &Order::name);
  return order != kOrders.end() && order->value.empty();
}

// From the list in which cxxopts keeps them as they came: its values would be split at commas.
std::optional<std::string> put(CommandLine& line, const std::string& key, const std::string& value) {
  if (key == kStray) {
    line.stray.push_back(value);
    return std::nullopt;
  }
  const bool flag = is_flag(key);
  if (flag && value != "true") return "--" + key + " takes no value";
  if (std::ranges::find(kOrders, key, &Order::name) == kOrders.end()) {
    line.values[key].push_back(flag ? "" : value);
  } else {
    line.orders[key].push_back(flag ? std::nullopt : std::optional(value));
  }
  return std::nullopt;
}

}  // namespace

std::string Option::spelling() const {
  return letter != '\0' ? std::string("-") + letter : "--" + std::string(name);
}

std::optional<std::string> CommandLine::value(const std::string& key) const {
  const auto found = values.find(key);
  return found == values.end() ? std::nullopt : std::optional(found->second.back());
}

std::expected<CommandLine, std::string> read_command_line(std::vector<std::string> words) {
  CommandLine line;
  line.arguments = take_arguments(words);
  for (const Order& order : kOrders) {
    if (!order.may_have_value()) continue;
    auto values = take_with_optional_value(words, order);
    if (!values.empty()) line.orders[std::string(order.name)] = std::move(values);
  }
  std::vector<const char*> argv{"liveswap"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  try {
    cxxopts::Options known = known_options();
    const auto given = known.parse(static_cast<int>(argv.size()), argv.data());
    for (const auto& pair : given.arguments()) {
      if (const auto problem = put(line, pair.key(), pair.value())) return std::unexpected(*problem);
    }
  } catch (const cxxopts::exceptions::exception& error) {
    return std::unexpected(error.what());
  }
  return line;
}

}  // namespace liveswap::master
