#include "protocols/node.hpp"

#include "protocols/notification.hpp"

namespace liveswap::protocols {

// NODE_CHANNEL_FD comes with the channel. The worker's number is the id that cluster.worker shows; the slot is what
// pm2, naught and recluster call their workers by.
Environment Node::environment(const LaunchFacts& facts) const {
  Environment environment = environment_of_every_worker(facts);
  const std::string slot = std::to_string(facts.slot);
  environment.variables.emplace_back("NODE_CHANNEL_SERIALIZATION_MODE", "json");
  environment.variables.emplace_back("NODE_UNIQUE_ID", std::to_string(facts.worker_number));
  for (const char* name : {"NODE_APP_INSTANCE", "NAUGHT_WORKER", "WORKER_ID"}) {
    environment.variables.emplace_back(name, slot);
  }
  return environment;
}

std::vector<WorkerEvent> Node::from_notification(std::string_view datagram, std::size_t descriptors) const {
  return without_ready(events_of_notification(datagram, descriptors),
                       "READY=1 does not count under protocol node: a worker is ready when its servers listen");
}

}  // namespace liveswap::protocols
