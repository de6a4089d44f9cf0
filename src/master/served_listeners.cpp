#include "master/served_listeners.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/address.hpp"

namespace liveswap::master {

namespace {

// `tcp://HOST:PORT`, as the file would have it; `localhost` is two addresses.
std::expected<std::vector<core::Address>, std::string> addresses_of(const std::string& host, std::uint16_t port) {
  const std::string in_address = host.contains(':') && !host.starts_with('[') ? "[" + host + "]" : host;
  return config::parse_address(fmt::format("tcp://{}:{}", in_address, port), "/");
}

}  // namespace

ServedListeners::ServedListeners(Listeners& listeners, const core::MasterPlan& plan, const Log& log)
    : listeners_(listeners), log_(log), plans_(plan.listeners) {
  for (const core::ListenerPlan& listener : plans_) names_.push_back(listener.name);
  if (plan.serve.multibinder) allowed_ = plan.serve.multibinder->allow_bind;
}

void ServedListeners::put_right(std::span<const std::string> names) {
  for (const std::string& change : listeners_.reassert(names)) log_.warn(change);
}

os::Result<os::OwnedFd> ServedListeners::copy_of(const BoundSocket& socket) {
  auto copy = os::dup_cloexec(socket.fd);
  if (copy) listeners_.given_away(socket);
  return copy;
}

os::Result<std::vector<ServedListeners::Socket>> ServedListeners::streams() {
  put_right(names_);
  std::vector<Socket> sockets;
  for (const core::ListenerPlan& plan : plans_) {
    for (const BoundSocket& socket : listeners_.sockets_of(std::span(&plan.name, 1))) {
      if (!core::is_stream(socket.kind) || socket.steered) continue;  // which has no one socket that could be given
      auto copy = copy_of(socket);
      if (!copy) return std::unexpected(copy.error());
      sockets.push_back({std::move(*copy), plan.options.interface});
    }
  }
  return sockets;
}

std::expected<os::OwnedFd, std::string> ServedListeners::bind(const std::string& host, std::uint16_t port,
                                                              std::optional<int> backlog) {
  const auto addresses = addresses_of(host, port);
  if (!addresses) return std::unexpected(addresses.error());
  const core::Address& address = addresses->front();
  auto socket = find(address);
  if (!socket) {
    if (auto opened = open(address, backlog); !opened) return std::unexpected(opened.error());
    socket = find(address);
  }
  if (!socket) return std::unexpected(config::text_of(address) + " is closed");
  if (socket->steered) {
    return std::unexpected("listener " + socket->listener + " is steered: it has no one socket that could be given");
  }
  put_right(std::span(&socket->listener, 1));
  auto copy = copy_of(*socket);
  if (!copy) return std::unexpected(copy.error().message());
  return std::move(*copy);
}

std::optional<BoundSocket> ServedListeners::find(const core::Address& address) const {
  for (const bool v6only : {false, true}) {
    if (auto socket = listeners_.socket_at(address, v6only, names_)) return socket;
  }
  const auto kept = std::ranges::find_if(
      kept_, [&](const Kept& known) { return config::same_socket(known.address, address); });
  if (kept == kept_.end()) return std::nullopt;
  const auto sockets = listeners_.sockets_of(std::span(&kept->name, 1));
  return sockets.empty() ? std::nullopt : std::optional(sockets.front());
}

std::expected<void, std::string> ServedListeners::open(const core::Address& address, std::optional<int> backlog) {
  const bool allowed = std::ranges::any_of(
      allowed_, [&](const core::Address& known) { return config::same_socket(known, address); });
  if (!allowed) {
    return std::unexpected(config::text_of(address) +
                           ": no listener has it, and serve.multibinder.allow_bind does not");
  }
  core::ListenerPlan plan{.name = listeners_.free_name(fmt::format("multibinder-{}", address.port)),
                          .addresses = {address},
                          .options = {}};
  plan.options.backlog = backlog;
  if (const auto added = listeners_.add(plan, {}); !added) return std::unexpected(added.error().text);
  log_.info(fmt::format("listener {}: opened for a client of serve.multibinder", plan.name));
  kept_.push_back({address, plan.name});
  return {};
}

}  // namespace liveswap::master
