#include "master/program_sockets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "config/address.hpp"
#include "master/workers_state.hpp"
#include "os/socket.hpp"
#include "os/socket_option.hpp"

namespace liveswap::master {
namespace {

ServerRefusal refusal(const ServerRequest& request, const OpenFailure& failure) {
  return {failure.code == 0 ? EADDRINUSE : failure.code,
          fmt::format("binds {}: {}", config::text_of(request.address), failure.text)};
}

SocketUser user_of(const ServerRequest& request) { return {request.worker, true}; }

bool is_at_same_place(const BoundSocket& a, const BoundSocket& b) {
  return a.listener == b.listener && a.index == b.index;
}

}  // namespace

std::expected<PlacedSocket, ServerRefusal> ProgramSockets::bind(const ServerRequest& request, os::OwnedFd socket,
                                                                bool may_inherit) {
  auto place = on_demand_.place_for(request);
  if (!place) return std::unexpected(std::move(place.error()));
  PlacedSocket placed{.at = *place, .waiting = nullptr};
  Endpoint& endpoint = listeners_.endpoint_of(placed.at);
  if (may_inherit) {
    if (const auto left = endpoint.take_abandoned(user_of(request))) {
      placed.at.fd = *left;
      placed.is_inherited = true;
      return placed;
    }
  }
  auto taken = endpoint.take_in(std::move(socket));
  if (!taken) return std::unexpected(refusal(request, taken.error()));
  placed.at.fd = (*taken)->fd();
  placed.waiting = std::move(*taken);
  if (!core::is_datagram(placed.at.kind)) return placed;
  if (auto joined = listen(user_of(request), placed, 0); !joined) return std::unexpected(std::move(joined.error()));
  return placed;
}

std::expected<void, ServerRefusal> ProgramSockets::listen(const SocketUser& user, PlacedSocket& placed, int backlog) {
  if (placed.waiting == nullptr) {  // it listens already, and changes its backlog
    const auto listened = os::get_option(placed.at.fd, os::option::kListening);
    const auto again = os::listen_on(placed.at.fd, backlog);
    if (!again) return std::unexpected(ServerRefusal{again.error().code, again.error().message()});
    if (listened && *listened == 0) listeners_.endpoint_of(placed.at).listens_again(placed.at.fd);
    return {};
  }
  const auto joined = listeners_.endpoint_of(placed.at).join(user, placed.waiting, backlog);
  if (joined) return {};
  return std::unexpected(ServerRefusal{joined.error().code, fmt::format("listens at {}: {}", placed.at.listener,
                                                                        joined.error().message())});
}

void ProgramSockets::abandon(const PlacedSocket& placed) {
  if (placed.waiting == nullptr) listeners_.endpoint_of(placed.at).abandon(placed.at.fd);
}

std::expected<PlacedSocket, std::string> ProgramSockets::restore(ProgramSocketState& state,
                                                                 CookieOf cookie_of) {
  auto at = listeners_.sockets_of(std::span(&state.listener, 1));
  const std::string lost = fmt::format("what a program has bound at listener {} is not there any more", state.listener);
  if (state.index >= at.size()) return std::unexpected(lost);
  PlacedSocket placed{.at = at[state.index], .waiting = nullptr, .is_inherited = state.is_inherited};
  if (state.waiting) {
    auto waiting = listeners_.restore_socket(std::move(*state.waiting));
    if (!waiting) return std::unexpected(waiting.error().message());
    placed.waiting = std::make_unique<ListenerSocket>(std::move(*waiting));
    placed.at.fd = placed.waiting->fd();
    return placed;
  }
  for (const ListenerSocket* side : listeners_.endpoint_of(placed.at).sides()) {
    if (cookie_of(side->fd()) != state.cookie) continue;
    placed.at.fd = side->fd();
    return placed;
  }
  return std::unexpected(lost);
}

bool ProgramSockets::is_full(core::AppId app, const core::AppPlan& plan) const {
  return on_demand_.opened_by(app) >= plan.on_demand_max;
}

bool ProgramSockets::has_place(const ServerRequest& request) {
  return listeners_.place_for(request.address, request.v6only, request.plan.all_listeners()).has_value() ||
         on_demand_.has_place(request);
}

ProgramSockets::Missing ProgramSockets::missing(core::AppId app, const core::AppPlan& plan,
                                                const std::vector<BoundSocket>& bound) {
  const auto add_if_missing = [&](const BoundSocket& socket, std::vector<std::string>& missing) {
    const auto is_it = [&](const BoundSocket& other) { return is_at_same_place(socket, other); };
    if (std::ranges::any_of(bound, is_it)) return;
    missing.push_back(fmt::format("{} ({})", socket.listener, listeners_.endpoint_of(socket).address().text()));
  };
  Missing missing;
  for (const BoundSocket& socket : listeners_.sockets_of(plan.all_listeners())) {
    add_if_missing(socket, missing.listeners);
  }
  for (const BoundSocket& socket : on_demand_.opened_for(app)) {
    if (listeners_.endpoint_of(socket).serves_somebody()) add_if_missing(socket, missing.others);
  }
  return missing;
}

bool ProgramSockets::has_paths(core::AppId app, const core::AppPlan& plan) const {
  const auto is_path = [](const auto& one) { return core::is_unix(one.kind); };
  return std::ranges::any_of(listeners_.sockets_of(plan.all_listeners()), is_path) ||
         std::ranges::any_of(on_demand_.opened_for(app), is_path) || std::ranges::any_of(plan.allow_bind, is_path);
}

}  // namespace liveswap::master
