#include "wire/sd_notify.hpp"

#include <array>
#include <limits>

#include "wire/decimal.hpp"
#include "wire/printable.hpp"

namespace liveswap::wire {
namespace {

constexpr std::uint64_t kIntMax = std::numeric_limits<int>::max();
constexpr std::uint64_t kErrnoMax = 4095;  // the kernel's MAX_ERRNO
constexpr std::size_t kQuotedValueMax = 64;

// A value that its key does not take is told by returning false.
using Take = bool (*)(Notification& into, std::string_view value);

template <bool Notification::*Field>
bool take_one(Notification& into, std::string_view value) {
  if (value != "1") return false;
  into.*Field = true;
  return true;
}

template <std::optional<std::uint64_t> Notification::*Field>
bool take_usec(Notification& into, std::string_view value) {
  into.*Field = parse_decimal(value);
  return (into.*Field).has_value();
}

template <std::optional<int> Notification::*Field, std::uint64_t min, std::uint64_t max>
bool take_int(Notification& into, std::string_view value) {
  const auto number = parse_decimal(value, max);
  if (!number || *number < min) return false;
  into.*Field = static_cast<int>(*number);
  return true;
}

bool take_status(Notification& into, std::string_view value) {
  into.status = printable_text(value, kNotificationStatusMax);
  return true;
}

bool take_watchdog(Notification& into, std::string_view value) {
  into.watchdog_ping = value == "1";
  into.watchdog_trigger = value == "trigger";
  return into.watchdog_ping || into.watchdog_trigger;
}

bool take_nothing(Notification&, std::string_view) { return true; }

struct Key {
  std::string_view name;
  Take take;
};

constexpr std::array kKeys = {
    Key{"READY", take_one<&Notification::ready>},
    Key{"RELOADING", take_one<&Notification::reloading>},
    Key{"STOPPING", take_one<&Notification::stopping>},
    Key{"STATUS", take_status},
    Key{"ERRNO", take_int<&Notification::error_number, 0, kErrnoMax>},
    Key{"MAINPID", take_int<&Notification::main_pid, 1, kIntMax>},
    Key{"WATCHDOG", take_watchdog},
    Key{"WATCHDOG_USEC", take_usec<&Notification::watchdog_usec>},
    Key{"EXTEND_TIMEOUT_USEC", take_usec<&Notification::extend_timeout_usec>},
    Key{"MONOTONIC_USEC", take_usec<&Notification::monotonic_usec>},
    Key{"FDSTORE", take_one<&Notification::fd_store>},
    Key{"FDSTOREREMOVE", take_one<&Notification::fd_store>},
    Key{"FDNAME", take_nothing},
    Key{"FDPOLL", take_nothing},
    Key{"BARRIER", take_one<&Notification::barrier>},
};

std::optional<std::size_t> index_of(std::string_view name) {
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    if (kKeys[i].name == name) return i;
  }
  return std::nullopt;
}

std::string_view next_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : line.size());
  return line;
}

// A barrier asks that everything before it was handled; systemd takes it only alone and with the one
// descriptor.
void judge_barrier(Notification& notification, std::size_t lines, std::size_t descriptors) {
  if (!notification.barrier || (lines == 1 && descriptors == 1)) return;
  notification.barrier = false;
  notification.problems.emplace_back(lines == 1 ? "BARRIER=1 came without exactly one descriptor"
                                                : "BARRIER=1 came together with other lines");
}

}  // namespace

Notification parse_notification(std::string_view datagram, std::size_t descriptors) {
  Notification result;
  if (datagram.size() > kNotificationMax) {
    result.problems.emplace_back("the message is longer than 4096 bytes");
    return result;
  }
  if (datagram.ends_with('\0')) datagram.remove_suffix(1);  // some clients send their string's end too
  if (datagram.find('\0') != std::string_view::npos) {
    result.problems.emplace_back("the message has a NUL in it");
    return result;
  }
  std::array<bool, kKeys.size()> seen{};
  std::size_t lines = 0;
  while (!datagram.empty()) {
    const std::string_view line = next_line(datagram);
    if (line.empty()) continue;
    ++lines;
    const std::size_t equals = line.find('=');
    const auto key = index_of(line.substr(0, equals));
    if (equals == std::string_view::npos || !key) {
      ++result.unknown_keys;
    } else if (!seen[*key]) {
      seen[*key] = true;
      if (!kKeys[*key].take(result, line.substr(equals + 1))) {
        result.problems.push_back("bad value: " + printable_text(line, kQuotedValueMax));
      }
    }
  }
  judge_barrier(result, lines, descriptors);
  return result;
}

}  // namespace liveswap::wire
