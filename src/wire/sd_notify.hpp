// One datagram of the sd_notify protocol, as a worker sends it to NOTIFY_SOCKET: lines of KEY=VALUE. The
// parser is pure and keeps no state; whether a message may do anything in the worker's state is decided
// elsewhere. As systemd does, of a key that comes twice the first counts, and unknown keys are ignored (they
// are counted, for the log). A known key with a bad value counts as not sent, and says so in `problems`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace liveswap::wire {

inline constexpr std::size_t kNotificationMax = 4096;  // bytes, as systemd accepts
inline constexpr std::size_t kNotificationStatusMax =
    1024;  // bytes of STATUS that are kept: one line for people

struct Notification {
  bool ready = false;
  bool reloading = false;
  bool stopping = false;
  bool watchdog_ping = false;
  bool watchdog_trigger = false;      // the worker says that it has failed: treat as a missed deadline
  bool barrier = false;               // the one attached descriptor is to be closed, as the answer
  bool fd_store = false;              // FDSTORE or FDSTOREREMOVE: not kept here; its descriptors are closed
  std::optional<std::string> status;  // one line of valid UTF-8 without control characters
  std::optional<std::uint64_t> watchdog_usec;
  std::optional<std::uint64_t> extend_timeout_usec;
  std::optional<std::uint64_t> monotonic_usec;
  std::optional<int> error_number;
  std::optional<int> main_pid;
  std::size_t unknown_keys = 0;
  std::vector<std::string> problems;

  bool operator==(const Notification&) const = default;
};

// `descriptors`: how many were attached. A datagram larger than kNotificationMax has one problem and nothing
// else.
[[nodiscard]] Notification parse_notification(std::string_view datagram, std::size_t descriptors);

}  // namespace liveswap::wire
