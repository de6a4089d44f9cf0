#include "protocols/notification.hpp"

#include <string>

#include "wire/sd_notify.hpp"

namespace liveswap::protocols {

std::chrono::microseconds from_wire(std::uint64_t microseconds) {
  constexpr auto kMax = std::chrono::microseconds::max();
  if (microseconds >= static_cast<std::uint64_t>(kMax.count())) return kMax;
  return std::chrono::microseconds{static_cast<std::chrono::microseconds::rep>(microseconds)};
}

// Who the worker is and what holds for it comes before what has happened to it: a daemon that forks sends
// MAINPID and READY together.
std::vector<WorkerEvent> events_of_notification(std::string_view datagram, std::size_t descriptors) {
  const wire::Notification said = wire::parse_notification(datagram, descriptors);
  std::vector<WorkerEvent> events;
  if (said.main_pid) events.emplace_back(MainPid{*said.main_pid});
  if (said.watchdog_usec) events.emplace_back(WatchdogInterval{from_wire(*said.watchdog_usec)});
  if (said.status) events.emplace_back(StatusText{*said.status});
  if (said.extend_timeout_usec) events.emplace_back(ExtendTimeout{from_wire(*said.extend_timeout_usec)});
  if (said.ready) events.emplace_back(Ready{});
  if (said.stopping) events.emplace_back(Stopping{});
  if (said.watchdog_ping) events.emplace_back(WatchdogPing{});
  if (said.watchdog_trigger) events.emplace_back(WatchdogTrigger{});
  if (said.barrier) events.emplace_back(Barrier{});
  if (said.error_number)
    events.emplace_back(Problem{"it reports ERRNO=" + std::to_string(*said.error_number)});
  if (said.fd_store) events.emplace_back(Problem{"FDSTORE: descriptors are not kept, and were closed"});
  for (const std::string& problem : said.problems) events.emplace_back(Problem{problem});
  return events;
}

std::vector<WorkerEvent> without_ready(std::vector<WorkerEvent> events, std::string_view why) {
  for (WorkerEvent& event : events) {
    if (std::holds_alternative<Ready>(event)) event = Problem{std::string(why)};
  }
  return events;
}

}  // namespace liveswap::protocols
