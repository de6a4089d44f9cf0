// The words of the master's command line as options with their values, by the tables of options and of short forms;
// what they mean together is for options.cpp.
#pragma once

#include <array>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace liveswap::master {

// What an option goes with, as bits.
enum Form : unsigned { by_file = 1, a_target = 2, an_order = 4 };
enum class Times { once, many };

struct Option {
  std::string_view name;  // "" for none
  char letter;            // '\0' for none
  std::string_view value;
  Times times;
  unsigned forms;
  std::string_view in_file, help;
  [[nodiscard]] std::string key() const { return name.empty() ? std::string(1, letter) : std::string(name); }
  [[nodiscard]] std::string spelling() const;  // "-s", "--control"
};

// A short form.
struct Order {
  std::string_view name;
  char letter;
  std::string_view value, alone, with_value, meaning, help;
  [[nodiscard]] bool may_have_value() const { return value.starts_with('['); }
  [[nodiscard]] std::string spelling() const { return std::string("-") + letter; }
};

inline constexpr auto kOptions = [] {
  using enum Times;
  return std::to_array<Option>({
#define OPTION(name, letter, value, times, forms, in_file, help) \
  {name, letter, value, times, forms, in_file, help},
#include "config/master_options.def"
#undef OPTION
  });
}();

inline constexpr auto kOrders = std::to_array<Order>({
#define ORDER(name, letter, value, alone, with_value, meaning, help) \
  {name, letter, value, alone, with_value, meaning, help},
#include "config/master_orders.def"
#undef ORDER
});

struct CommandLine {
  std::map<std::string, std::vector<std::string>> values;  // by key; of a flag: "" for each time
  std::map<std::string, std::vector<std::optional<std::string>>> orders;  // by name; none: without a value
  std::vector<std::string> stray;                          // words that belong to no option
  std::optional<std::vector<std::string>> arguments;       // after --

  [[nodiscard]] bool has(const std::string& key) const { return values.contains(key); }
  [[nodiscard]] std::optional<std::string> value(const std::string& key) const;
};

// The error is one sentence: an option that is not there, one without its value.
std::expected<CommandLine, std::string> read_command_line(std::vector<std::string> words);

}  // namespace liveswap::master
