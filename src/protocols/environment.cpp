#include "protocols/environment.hpp"

#include "protocols/inheritance.hpp"

namespace liveswap::protocols {
namespace {

class Variables {
 public:
  void set(std::string name, std::string value) { list_.emplace_back(std::move(name), std::move(value)); }
  template <std::integral T>
  void set(std::string name, T value) {
    set(std::move(name), std::to_string(value));
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> take() && { return std::move(list_); }

 private:
  std::vector<std::pair<std::string, std::string>> list_;
};

// A server that inherits must not find its sockets a second time: unicorn would take each twice.
bool says_listen_fds(const LaunchFacts& facts) { return !facts.sockets.empty() && !facts.inherit_as; }

// systemd's readers take LISTEN_FDS=0 for an error, so without sockets nothing is said. LISTEN_FD is catflap's.
void add_systemd(Variables& variables, const LaunchFacts& facts) {
  if (!says_listen_fds(facts)) return;
  const std::vector<HandedSocket>& sockets = facts.sockets;
  std::string names;
  for (const HandedSocket& socket : sockets) {
    if (!names.empty()) names += ':';
    names += socket.name;
  }
  variables.set("LISTEN_FDS", sockets.size());
  variables.set("LISTEN_FDNAMES", names);
  if (sockets.size() == 1) variables.set("LISTEN_FD", sockets.front().number);
}

void add_einhorn(Variables& variables, const LaunchFacts& facts) {
  variables.set("EINHORN_FD_COUNT", facts.sockets.size());
  for (std::size_t i = 0; i < facts.sockets.size(); ++i) {
    variables.set("EINHORN_FD_" + std::to_string(i), facts.sockets[i].number);
  }
  variables.set("EINHORN_MASTER_PID", facts.master_pid);
  variables.set("EINHORN_CHILD_INDEX", facts.slot);
}

// "8080" for all of IPv4, "127.0.0.1:8080", "[::1]:8080", "/run/x.sock".
std::string server_starter_key(const HandedSocket& socket) {
  const std::string port = std::to_string(socket.port);
  switch (socket.family) {
    case HandedSocket::Family::ipv4: return socket.host == "0.0.0.0" ? port : socket.host + ":" + port;
    case HandedSocket::Family::ipv6: return "[" + socket.host + "]:" + port;
    case HandedSocket::Family::unix_path: return socket.host;
  }
  return port;
}

// Readers split at ';' and then at the first '=', and know no quoting: a path with either in it is left out,
// rather than read as something else. The variable is there, empty, when there are no sockets.
void add_server_starter(Variables& variables, const LaunchFacts& facts) {
  std::string ports;
  for (const HandedSocket& socket : facts.sockets) {
    const std::string key = server_starter_key(socket);
    if (key.find_first_of(";=") != std::string::npos) continue;
    if (!ports.empty()) ports += ';';
    ports += key + "=" + std::to_string(socket.number);
  }
  variables.set("SERVER_STARTER_PORT", ports);
  variables.set("SERVER_STARTER_GENERATION", facts.generation);
}

}  // namespace

Environment environment_of_every_worker(const LaunchFacts& facts) {
  Variables variables;
  variables.set("NOTIFY_SOCKET", facts.notify_socket);
  variables.set("LIVESWAP_APP", facts.app);
  variables.set("LIVESWAP_SLOT", facts.slot);
  variables.set("LIVESWAP_GENERATION", facts.generation);
  variables.set("LIVESWAP_RELEASE", facts.release);
  variables.set("LIVESWAP_WORKER", facts.worker);
  Environment environment;
  if (facts.watchdog) {
    variables.set("WATCHDOG_USEC", facts.watchdog->count());
    environment.pid_variables.emplace_back("WATCHDOG_PID");
  }
  environment.variables = std::move(variables).take();
  return environment;
}

Environment common_environment(const LaunchFacts& facts) {
  Variables variables;
  add_systemd(variables, facts);
  add_einhorn(variables, facts);
  add_server_starter(variables, facts);
  Environment environment = environment_of_every_worker(facts);
  auto conventions = std::move(variables).take();
  environment.variables.insert(environment.variables.begin(), conventions.begin(), conventions.end());
  if (facts.inherit_as) {
    const auto inherited = inherited_variables(*facts.inherit_as, facts);
    environment.variables.insert(environment.variables.end(), inherited.begin(), inherited.end());
  }
  if (says_listen_fds(facts) && facts.listen_pid) {
    environment.pid_variables.insert(environment.pid_variables.begin(), "LISTEN_PID");
  }
  return environment;
}

}  // namespace liveswap::protocols
