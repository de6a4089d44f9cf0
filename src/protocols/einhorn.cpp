#include "protocols/einhorn.hpp"

#include <fmt/format.h>

#include "protocols/notification.hpp"
#include "wire/einhorn.hpp"
#include "wire/printable.hpp"

namespace liveswap::protocols {
namespace {

constexpr std::size_t kCommandShownMax = 40;

}  // namespace

std::vector<WorkerEvent> Einhorn::from_notification(std::string_view datagram, std::size_t descriptors) const {
  return without_ready(events_of_notification(datagram, descriptors),
                       "READY=1 does not count under protocol einhorn: readiness is said by worker:ack");
}

// The process id is not looked at: whoever can speak on a worker's own socket speaks for it.
std::vector<WorkerEvent> events_of_command(std::string_view line) {
  const auto said = wire::einhorn::parse(line);
  if (!said) return {Problem{fmt::format("what came on einhorn's socket cannot be read: {}", said.error().reason)}};
  if (said->command == "worker:ack") return {Ready{}};
  if (said->command == "worker:ping") return {WatchdogPing{}};
  return {Problem{fmt::format("{} came on einhorn's socket, which takes worker:ack and worker:ping only",
                              wire::printable_text(said->command, kCommandShownMax))}};
}

}  // namespace liveswap::protocols
