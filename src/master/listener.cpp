#include "master/listener.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "config/address.hpp"
#include "master/listener_socket.hpp"
#include "master/listeners_state.hpp"
#include "master/steered_path.hpp"
#include "master/steered_socket.hpp"

namespace liveswap::master {
namespace {

// Addresses of one listener with port 0 share the port that the kernel chose for the first, which somebody
// may have at another of the addresses: then all are tried again.
constexpr int kPortAttempts = 16;

bool is_absent(int code) { return code == EAFNOSUPPORT || code == EADDRNOTAVAIL; }

bool shares_port(const core::Address& address) { return !is_unix(address.kind) && address.port == 0; }

}  // namespace

struct Listener::Attempt {
  std::vector<std::unique_ptr<Endpoint>> endpoints;
  std::vector<std::uint32_t> addresses;
  std::vector<OpenFailure> failures;
  std::uint16_t chosen_port = 0;
  bool port_was_taken = false;  // the one that the kernel has just chosen for another address
};

Listener::Listener(core::ListenerPlan plan, PathRights rights, int backlog, SocketKeeper& keeper)
    : plan_(std::move(plan)),
      rights_(std::move(rights)),
      backlog_(plan_.options.backlog.value_or(backlog)),
      keeper_(keeper) {}

std::uint16_t Listener::port_of(const core::Address& address) const {
  return shares_port(address) ? chosen_port_ : address.port;
}

SocketRequest Listener::request_at(const core::Address& address, std::uint16_t port) const {
  return {.address = address,
          .options = plan_.options,
          .rights = rights_,
          .port = port,
          .backlog = backlog_,
          .held_back = paused_,
          .keeper = &keeper_};
}

std::expected<std::unique_ptr<Endpoint>, OpenFailure> Listener::open_at(const core::Address& address,
                                                                        std::uint16_t port) const {
  const SocketRequest request = request_at(address, port);
  const bool is_steered = plan_.handoff == core::Handoff::steered;
  if (is_steered && is_unix(address.kind)) return SteeredPath::open(request);
  if (is_steered) return SteeredSocket::open(request, plan_.queues);
  auto socket = ListenerSocket::open(request);
  if (!socket) return std::unexpected(std::move(socket.error()));
  return std::make_unique<ListenerSocket>(std::move(*socket));
}

Listener::Attempt Listener::try_to_open() const {
  Attempt attempt{.chosen_port = chosen_port_};
  for (std::uint32_t index = 0; index < plan_.addresses.size(); ++index) {
    const core::Address& address = plan_.addresses[index];
    const std::uint16_t port = shares_port(address) ? attempt.chosen_port : address.port;
    auto socket = open_at(address, port);
    if (socket) {
      if (shares_port(address)) attempt.chosen_port = (*socket)->address().port();
      attempt.endpoints.push_back(std::move(*socket));
      attempt.addresses.push_back(index);
    } else if (!address.if_available || !is_absent(socket.error().code)) {
      const bool just_chosen = shares_port(address) && port != chosen_port_;
      if (just_chosen && socket.error().code == EADDRINUSE) attempt.port_was_taken = true;
      attempt.failures.push_back({say(socket.error().text), socket.error().code});
    }
  }
  if (attempt.endpoints.empty() && attempt.failures.empty()) {
    attempt.failures.push_back({say("this machine has none of its addresses"), EADDRNOTAVAIL});
  }
  return attempt;
}

std::expected<void, std::vector<OpenFailure>> Listener::open() {
  Attempt attempt = try_to_open();
  for (int again = 1; attempt.port_was_taken && again < kPortAttempts; ++again) attempt = try_to_open();
  if (!attempt.failures.empty()) return std::unexpected(std::move(attempt.failures));
  endpoints_ = std::move(attempt.endpoints);
  addresses_ = std::move(attempt.addresses);
  chosen_port_ = attempt.chosen_port;
  return {};
}

std::expected<void, OpenFailure> Listener::adopt(const SocketUser& user, std::vector<os::OwnedFd> sockets) {
  const core::Address& address = plan_.addresses.front();
  auto endpoint = SteeredSocket::around(request_at(address, address.port), user, std::move(sockets));
  if (!endpoint) return std::unexpected(OpenFailure{say(endpoint.error().text), endpoint.error().code});
  endpoints_.push_back(std::move(*endpoint));
  addresses_.push_back(0);
  return {};
}

// ---- from master to master ----

ListenerState Listener::save() const {
  ListenerState state{.plan = plan_,
                      .rights = rights_,
                      .backlog = backlog_,
                      .paused = paused_,
                      .held_back = held_back_,
                      .chosen_port = chosen_port_,
                      .endpoints = {},
                      .steered_to = steered_to_};
  for (std::size_t index = 0; index < endpoints_.size(); ++index) {
    state.endpoints.push_back(endpoints_[index]->save());
    state.endpoints.back().address = addresses_[index];
  }
  return state;
}

std::unique_ptr<Listener> Listener::restore(ListenerState state, SocketKeeper& keeper,
                                            std::vector<std::string>& problems) {
  auto made = std::make_unique<Listener>(std::move(state.plan), std::move(state.rights), state.backlog, keeper);
  made->backlog_ = state.backlog;
  made->paused_ = state.paused;
  made->held_back_ = state.held_back;
  made->chosen_port_ = state.chosen_port;
  made->steered_to_ = std::move(state.steered_to);
  std::vector<std::string> lost;
  for (EndpointState& saved : state.endpoints) {
    const std::uint32_t address = saved.address;
    if (address >= made->plan_.addresses.size()) continue;  // nobody who can be believed has written that
    auto endpoint = made->restore_at(std::move(saved), lost);
    if (!endpoint) {
      lost.push_back(endpoint.error().text);
      continue;
    }
    made->endpoints_.push_back(std::move(*endpoint));
    made->addresses_.push_back(address);
  }
  for (const std::string& problem : lost) problems.push_back(made->say(problem));
  return made;
}

std::expected<std::unique_ptr<Endpoint>, OpenFailure> Listener::restore_at(EndpointState state,
                                                                           std::vector<std::string>& problems) {
  const core::Address& address = plan_.addresses[state.address];
  const SocketRequest request = request_at(address, port_of(address));
  if (auto* steered = std::get_if<SteeredSocketState>(&state.socket)) {
    return SteeredSocket::restore(request, std::move(*steered), problems);
  }
  if (auto* path = std::get_if<SteeredPathState>(&state.socket)) {
    return SteeredPath::restore(request, std::move(*path), problems);
  }
  auto socket = ListenerSocket::restore(std::move(std::get<ListenerSocketState>(state.socket)), keeper_);
  if (!socket) return std::unexpected(OpenFailure{socket.error().message(), socket.error().code});
  return std::make_unique<ListenerSocket>(std::move(*socket));
}

std::expected<void, std::string> Listener::apply_hold() {
  std::expected<void, std::string> all;
  for (const auto& endpoint : endpoints_) {
    const bool hold = held_back_ || (paused_ && !is_unix(endpoint->kind()));
    const auto done = hold ? endpoint->hold_back() : endpoint->let_in();
    if (!done && all) all = std::unexpected(say(done.error().message()));
  }
  return all;
}

std::vector<std::string> Listener::hold_back() {
  std::vector<std::string> failures;
  if (std::exchange(held_back_, true)) return failures;
  for (const auto& endpoint : endpoints_) {
    const auto done = endpoint->hold_back();
    if (done) continue;
    endpoint->let_few_in();
    failures.push_back(
        say(fmt::format("clients that come while its app stops may be reset: {}", done.error().message())));
  }
  return failures;
}

std::expected<void, std::string> Listener::let_in() {
  held_back_ = false;
  return apply_hold();
}

void Listener::close() {
  endpoints_.clear();
  addresses_.clear();
  steered_to_.clear();
  held_back_ = false;
}

std::expected<bool, std::string> Listener::set_paused(bool paused) {
  if (std::ranges::any_of(plan_.addresses, core::is_unix, &core::Address::kind)) {
    return std::unexpected(
        say("the clients of a Unix socket cannot be made to wait; pause is for tcp and udp"));
  }
  if (paused_ == paused) return false;
  paused_ = paused;
  const auto done = apply_hold();
  if (done) return true;
  paused_ = !paused;
  return std::unexpected(done.error());
}

bool Listener::somebody_waits() const {
  return std::ranges::any_of(endpoints_, [](const auto& endpoint) { return endpoint->somebody_waits(); });
}

std::vector<std::string> Listener::reassert() {
  std::vector<std::string> changes;
  for (const auto& endpoint : endpoints_) {
    for (const std::string& change : endpoint->reassert()) {
      changes.push_back(say(fmt::format("{}: {}", endpoint->address().text(), change)));
    }
  }
  return changes;
}

std::expected<void, std::string> Listener::hand_to(const SocketUser& user, BoundSocket& socket) {
  const auto fd = endpoints_.at(socket.index)->socket_for(user);
  if (!fd) return std::unexpected(say(fd.error().text));
  socket.fd = *fd;
  return {};
}

void Listener::leaving(core::WorkerId worker) {
  for (const auto& endpoint : endpoints_) endpoint->leaving(worker);
}

void Listener::left(core::WorkerId worker) {
  for (const auto& endpoint : endpoints_) endpoint->left(worker);
}

// All of its addresses, or none.
std::expected<void, std::string> Listener::steer(std::span<const core::WorkerId> workers) {
  for (std::size_t index = 0; index < endpoints_.size(); ++index) {
    const auto done = endpoints_[index]->steer(workers);
    if (done) continue;
    for (std::size_t before = 0; before < index; ++before) (void)endpoints_[before]->steer(steered_to_);
    return std::unexpected(say(fmt::format("{}: {}", endpoints_[index]->address().text(), done.error().message())));
  }
  steered_to_.assign(workers.begin(), workers.end());
  return {};
}

bool Listener::starved(core::WorkerId worker) {
  return std::ranges::all_of(endpoints_, [&](const auto& endpoint) { return endpoint->starved(worker); });
}

void Listener::add_bound_to(std::vector<BoundSocket>& out) const {
  for (std::size_t index = 0; index < endpoints_.size(); ++index) out.push_back(bound(index));
}

void Listener::add_sides_to(std::vector<BoundSocket>& out, std::size_t index,
                            std::vector<const ListenerSocket*> sides) const {
  for (const ListenerSocket* side : sides) {
    BoundSocket socket = bound(index);
    socket.fd = side->fd();
    if (is_unix(socket.kind)) socket.host = side->address().unix_name();
    out.push_back(std::move(socket));
  }
}

void Listener::add_all_sockets_to(std::vector<BoundSocket>& out) const {
  for (std::size_t index = 0; index < endpoints_.size(); ++index) {
    if (endpoints_[index]->is_steered()) {
      add_sides_to(out, index, endpoints_[index]->sides());
    } else {
      out.push_back(bound(index));
    }
  }
}

void Listener::add_own_sockets_to(std::vector<OwnSocket>& out, core::WorkerId worker) const {
  for (const auto& endpoint : endpoints_) std::ranges::move(endpoint->own_sockets_of(worker), std::back_inserter(out));
}

BoundSocket Listener::bound(std::size_t index) const {
  const Endpoint& endpoint = *endpoints_[index];
  const os::SocketAddress& address = endpoint.address();
  std::string host = is_unix(endpoint.kind()) ? address.unix_name() : address.host();
  return {.listener = plan_.name,
          .index = index,
          .fd = endpoint.fd(),
          .kind = endpoint.kind(),
          .host = std::move(host),
          .port = address.port(),
          .steered = endpoint.is_steered()};
}

// An address with port 0 is meant by who asks for port 0, and by who asks for the port that the kernel chose. Of `::1`
// nobody can tell whether it has IPV6_V6ONLY; of `::` everybody can.
bool Listener::is_at(const Endpoint& endpoint, const core::Address& wanted, bool v6only) const {
  if (endpoint.kind() != wanted.kind) return false;
  const os::SocketAddress& real = endpoint.address();
  if (is_unix(wanted.kind)) return real.unix_name() == (wanted.abstract ? "@" : "") + wanted.path;
  if (real.port() != wanted.port && (wanted.port != 0 || chosen_port_ == 0)) return false;
  if (!real.is_any_host()) return real.host() == wanted.host;
  if (wanted.host.empty()) return real.family() == AF_INET || !plan_.options.v6only;
  return real.host() == wanted.host && (real.family() == AF_INET || plan_.options.v6only == v6only);
}

std::optional<BoundSocket> Listener::socket_at(const core::Address& wanted, bool v6only) const {
  for (std::size_t index = 0; index < endpoints_.size(); ++index) {
    if (is_at(*endpoints_[index], wanted, v6only)) return bound(index);
  }
  return std::nullopt;
}

std::optional<BoundSocket> Listener::matched(const core::Address& wanted) const {
  const auto is_it = [&](const core::Address& rule) { return config::same_socket(rule, wanted); };
  if (std::ranges::none_of(plan_.match, is_it)) return std::nullopt;
  const bool v6 = wanted.host.empty() || wanted.host.contains(':');
  for (std::size_t index = 0; index < endpoints_.size(); ++index) {
    const Endpoint& endpoint = *endpoints_[index];
    const bool same_family = is_unix(wanted.kind) || (endpoint.address().family() == AF_INET6) == v6;
    if (endpoint.kind() == wanted.kind && same_family) return bound(index);
  }
  return std::nullopt;
}

bool Listener::show_again() {
  for (const auto& endpoint : endpoints_) {
    if (!endpoint->can_be_found() && !endpoint->show_again()) return false;
  }
  return is_open();
}

bool Listener::can_be_found() const {
  const auto can_be_found = [](const auto& endpoint) { return endpoint->can_be_found(); };
  return is_open() && std::ranges::all_of(endpoints_, can_be_found);
}

void Listener::add_rows_to(std::vector<ListenerRow>& out, const std::vector<std::string>& apps) const {
  for (std::size_t index = 0; !is_open() && index < plan_.addresses.size(); ++index) {
    const core::Address& address = plan_.addresses[index];
    out.push_back({.name = plan_.name,
                   .index = index,
                   .kind = address.kind,
                   .address = planned_text(address, port_of(address)),
                   .port = port_of(address),
                   .open = false,
                   .paused = paused_,
                   .apps = apps,
                   .handoff = plan_.handoff});
  }
  for (std::size_t index = 0; index < endpoints_.size(); ++index) {
    const Endpoint& endpoint = *endpoints_[index];
    ListenerRow row{.name = plan_.name,
                    .index = index,
                    .kind = endpoint.kind(),
                    .address = endpoint.address().text(),
                    .port = endpoint.address().port(),
                    .paused = paused_,
                    .apps = apps,
                    .handoff = plan_.handoff};
    endpoint.describe(row);
    out.push_back(std::move(row));
  }
}

}  // namespace liveswap::master
