#include "master/listener.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <utility>

#include "config/address.hpp"
#include "master/listener_socket.hpp"
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
  std::vector<OpenFailure> failures;
  std::uint16_t chosen_port = 0;
  bool port_was_taken = false;  // the one that the kernel has just chosen for another address
};

Listener::Listener(core::ListenerPlan plan, PathRights rights, int backlog)
    : plan_(std::move(plan)), rights_(rights), backlog_(plan_.options.backlog.value_or(backlog)) {}

std::uint16_t Listener::port_of(const core::Address& address) const {
  return shares_port(address) ? chosen_port_ : address.port;
}

std::expected<std::unique_ptr<Endpoint>, OpenFailure> Listener::open_at(const core::Address& address,
                                                                        std::uint16_t port) const {
  const SocketRequest request{address, plan_.options, rights_, port, backlog_, paused_};
  const bool is_steered = plan_.handoff == core::Handoff::steered;
  if (is_steered && is_unix(address.kind)) return SteeredPath::open(request);
  if (is_steered) return SteeredSocket::open(request, plan_.queues);
  auto socket = ListenerSocket::open(request);
  if (!socket) return std::unexpected(std::move(socket.error()));
  return std::make_unique<ListenerSocket>(std::move(*socket));
}

Listener::Attempt Listener::try_to_open() const {
  Attempt attempt{.chosen_port = chosen_port_};
  for (const core::Address& address : plan_.addresses) {
    const std::uint16_t port = shares_port(address) ? attempt.chosen_port : address.port;
    auto socket = open_at(address, port);
    if (socket) {
      if (shares_port(address)) attempt.chosen_port = (*socket)->address().port();
      attempt.endpoints.push_back(std::move(*socket));
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
  chosen_port_ = attempt.chosen_port;
  return {};
}

std::expected<void, OpenFailure> Listener::adopt(const SocketUser& user, std::vector<os::OwnedFd> sockets) {
  const core::Address& address = plan_.addresses.front();
  auto endpoint = SteeredSocket::around({address, plan_.options, rights_, address.port, backlog_}, user,
                                        std::move(sockets));
  if (!endpoint) return std::unexpected(OpenFailure{say(endpoint.error().text), endpoint.error().code});
  endpoints_.push_back(std::move(*endpoint));
  return {};
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
