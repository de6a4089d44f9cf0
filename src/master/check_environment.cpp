#include "master/check_environment.hpp"

#include <unistd.h>

#include "config/descriptors.hpp"
#include "config/expand.hpp"
#include "master/bound_socket.hpp"
#include "protocols/protocol.hpp"

namespace liveswap::master {

namespace {

BoundSocket planned(const config::Descriptor& descriptor) {
  const core::Address& address = descriptor.address;
  const config::SocketValue value = config::socket_value(descriptor.listener, address, address.port, {});
  return {.listener = value.listener,
          .index = descriptor.index,
          .fd = {},
          .kind = address.kind,
          .host = value.address,
          .port = value.port.value_or(0)};
}

}  // namespace

std::vector<std::pair<std::string, std::string>> variables_of_first_worker(const core::MasterPlan& plan,
                                                                           const core::AppPlan& app) {
  protocols::LaunchFacts facts{.app = app.name,
                               .slot = 0,
                               .generation = 1,
                               .release = 1,
                               .worker = "<its mark>",
                               .sockets = {},
                               .notify_socket = "<its socket>",
                               .master_pid = 0,
                               .watchdog = app.policy.watchdog,
                               .listen_pid = app.listen_pid,
                               .inherit_as = app.inherit_as};
  for (const config::Descriptor& descriptor : config::descriptors_of(plan.listeners, app)) {
    if (descriptor.number != STDIN_FILENO) facts.sockets.push_back(handed(planned(descriptor), descriptor.number));
  }
  protocols::Environment environment = protocols::make_protocol(app.protocol)->environment(facts);
  for (auto& [name, value] : environment.variables) {
    if (name == "EINHORN_MASTER_PID" || name == "GUNICORN_PID") value = "<the master's PID>";
  }
  for (const std::string& name : environment.pid_variables) environment.variables.emplace_back(name, "<its PID>");
  return environment.variables;
}

}  // namespace liveswap::master
