#include "config/scalars.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <optional>
#include <vector>

#include "config/text.hpp"

namespace liveswap::config {

namespace {

constexpr std::size_t kNameMax = 64;

struct Unit {
  std::string_view name;
  std::int64_t microseconds;
};

// From the largest: a duration of several parts is written in this order.
constexpr std::array<Unit, 4> kUnits{
    {{"h", 3'600'000'000}, {"m", 60'000'000}, {"s", 1'000'000}, {"ms", 1'000}}};

// A hundred years; what is longer was meant as infinity.
constexpr std::int64_t kDurationMax = std::int64_t{876'000} * 3'600'000'000;

struct NamedNumber {
  std::string_view name;
  int number;
};

constexpr auto kSignals = std::to_array<NamedNumber>({
#define SIGNAL(name) {#name, SIG##name},
#include "config/signals.def"
#undef SIGNAL
});

constexpr auto kLimits = std::to_array<NamedNumber>({
#define LIMIT(name, resource) {name, static_cast<int>(resource)},
#include "config/limits.def"
#undef LIMIT
});

std::vector<std::string> names_of(std::span<const NamedNumber> table) {
  std::vector<std::string> names;
  for (const auto& row : table) names.emplace_back(row.name);
  return names;
}

std::optional<int> find_number(std::span<const NamedNumber> table, std::string_view name) {
  for (const auto& row : table) {
    if (row.name == name) return row.number;
  }
  return std::nullopt;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::optional<std::uint64_t> digits(std::string_view text, int base) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The parts of `1m30s` added up.
std::optional<std::int64_t> microseconds(std::string_view text) {
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  while (!text.empty()) {
    auto number = text.substr(0, std::min(text.find_first_not_of("0123456789"), text.size()));
    auto rest = text.substr(number.size());
    auto name = rest.substr(0, std::min(rest.find_first_of("0123456789"), rest.size()));
    auto amount = digits(number, 10);
    while (next_unit < kUnits.size() && kUnits[next_unit].name != name) ++next_unit;
    if (!amount || next_unit == kUnits.size()) return std::nullopt;
    auto size = kUnits[next_unit++].microseconds;
    if (*amount > static_cast<std::uint64_t>((kDurationMax - total) / size)) return std::nullopt;
    total += static_cast<std::int64_t>(*amount) * size;
    text = rest.substr(name.size());
  }
  return total;
}

constexpr std::string_view kDurationForms = "write 250ms, 5s, 2m, 1h or infinity";

}  // namespace

Parsed<core::Duration> parse_duration(std::string_view text, DurationRule rule) {
  if (text == "infinity") {
    if (rule.infinity) return core::kForever;
    return std::unexpected("infinity makes no sense here");
  }
  auto total = text.empty() ? std::nullopt : microseconds(text);
  if (!total && digits(text, 10)) {
    return std::unexpected(fmt::format("{} has no unit: write {}s, or {}ms", quoted(text), text, text));
  }
  if (!total) return std::unexpected(fmt::format("{} is not a duration: {}", quoted(text), kDurationForms));
  if (*total == 0 && !rule.zero) return std::unexpected("must be longer than zero");
  return core::Duration(*total);
}

Parsed<bool> parse_boolean(std::string_view text) {
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return std::unexpected(fmt::format("{} is not one of true, false, yes, no, on, off", quoted(text)));
}

Parsed<int> parse_signal(std::string_view text) {
  if (auto number = digits(text, 10);
      number && *number >= 1 && *number <= static_cast<std::uint64_t>(SIGRTMAX)) {
    return static_cast<int>(*number);
  }
  auto name = text.starts_with("SIG") ? text.substr(3) : text;
  if (auto number = find_number(kSignals, name)) return *number;
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  if (upper.starts_with("SIG")) upper.erase(0, 3);
  auto names = names_of(kSignals);
  auto near = nearest(upper, names);
  return std::unexpected(
      fmt::format("{} is not a signal: {}", quoted(text),
                  near ? fmt::format("did you mean {}?", *near) : "write TERM, SIGTERM or 15"));
}

Parsed<std::uint64_t> parse_number(std::string_view text, std::uint64_t min, std::uint64_t max) {
  auto value = digits(text, 10);
  if (value && *value >= min && *value <= max) return *value;
  return std::unexpected(fmt::format("{} is not a number from {} to {}", quoted(text), min, max));
}

Parsed<std::uint64_t> parse_bits(std::string_view text, std::uint64_t max) {
  auto value = text.starts_with("0x") ? digits(text.substr(2), 16) : digits(text, 10);
  if (value && *value <= max) return *value;
  return std::unexpected(
      fmt::format("{} is not a number from 0 to {} (or 0x0 to {:#x})", quoted(text), max, max));
}

Parsed<std::uint32_t> parse_mode(std::string_view text) {
  auto number = text.starts_with("0o") ? text.substr(2) : text;
  auto value = digits(number, 8);
  if (value && *value <= 0777) return static_cast<std::uint32_t>(*value);
  return std::unexpected(
      fmt::format("{} is not a mode: write it octal, as 0660 (at most 0777)", quoted(text)));
}

Parsed<core::Amount> parse_amount(std::string_view text) {
  bool percent = text.ends_with('%');
  auto value = digits(percent ? text.substr(0, text.size() - 1) : text, 10);
  if (value && *value <= (percent ? 100 : kWorkersMax)) {
    return core::Amount{static_cast<std::uint32_t>(*value), percent};
  }
  return std::unexpected(fmt::format("{} is neither a number from 0 to {} nor a percentage from 0% to 100%",
                                     quoted(text), kWorkersMax));
}

Parsed<core::Limit> parse_limit(std::string_view name, std::string_view text) {
  auto one = [](std::string_view part) -> std::optional<std::uint64_t> {
    return part == "infinity" ? core::kUnlimited : digits(part, 10);
  };
  auto resource = find_number(kLimits, name);
  if (!resource) {
    auto names = names_of(kLimits);
    auto near = did_you_mean(name, names);
    return std::unexpected(
        fmt::format("unknown limit {}{}", quoted(name), near.empty() ? ": " + joined(names) : near));
  }
  auto colon = text.find(':');
  auto soft = one(text.substr(0, colon));
  auto hard = colon == std::string_view::npos ? soft : one(text.substr(colon + 1));
  if (!soft || !hard) {
    return std::unexpected(
        fmt::format("{} is not a limit: write a number or infinity, for both or as SOFT:HARD", quoted(text)));
  }
  if (*soft > *hard) return std::unexpected("the soft limit is above the hard one");
  return core::Limit{std::string(name), *resource, *soft, *hard};
}

bool is_name(std::string_view text) {
  auto inner = [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= kNameMax && (is_letter(text[0]) || is_digit(text[0])) &&
         std::all_of(text.begin(), text.end(), inner);
}

Parsed<std::string> parse_name(std::string_view text) {
  if (is_name(text)) return std::string(text);
  return std::unexpected(
      fmt::format("{} is not a name: 1 to {} letters, digits, dots, underscores and hyphens, "
                  "the first a letter or digit",
                  quoted(text), kNameMax));
}

bool is_variable_name(std::string_view text) {
  auto inner = [](char c) { return c > ' ' && c != '=' && c != 0x7F; };
  return !text.empty() && !is_digit(text[0]) && std::all_of(text.begin(), text.end(), inner);
}

Parsed<std::size_t> parse_choice(std::string_view text, std::span<const std::string_view> choices) {
  auto found = std::find(choices.begin(), choices.end(), text);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  const std::vector<std::string> words(choices.begin(), choices.end());
  return std::unexpected(
      fmt::format("{} is not one of {}{}", quoted(text), joined(words), did_you_mean(text, words)));
}

}  // namespace liveswap::config
