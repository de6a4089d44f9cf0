#include "master/check_environment.hpp"

#include "config/describe.hpp"
#include "protocols/protocol.hpp"

namespace liveswap::master {

namespace {

protocols::HandedSocket handed(const config::Descriptor& descriptor) {
  using Family = protocols::HandedSocket::Family;
  const core::Address& address = descriptor.address;
  protocols::HandedSocket socket{.name = descriptor.listener,
                                 .number = descriptor.number,
                                 .family = Family::unix_path,
                                 .host = (address.abstract ? "@" : "") + address.path,
                                 .port = address.port};
  if (address.kind != core::SocketKind::tcp && address.kind != core::SocketKind::udp) return socket;
  const bool dual_stack = address.host.empty();
  socket.host = dual_stack ? "::" : address.host;
  socket.family = socket.host.find(':') != std::string::npos ? Family::ipv6 : Family::ipv4;
  return socket;
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
                               .watchdog = app.policy.watchdog};
  for (const config::Descriptor& descriptor : config::descriptors_of(plan, app)) {
    facts.sockets.push_back(handed(descriptor));
  }
  protocols::Environment environment = protocols::make_protocol(app.protocol)->environment(facts);
  for (auto& [name, value] : environment.variables) {
    if (name == "EINHORN_MASTER_PID") value = "<the master's PID>";
  }
  for (const std::string& name : environment.pid_variables) environment.variables.emplace_back(name, "<its PID>");
  return environment.variables;
}

}  // namespace liveswap::master
