#include "master/listener.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "os/accept_queue.hpp"
#include "os/socket_filter.hpp"

namespace liveswap::master {
namespace {

// Addresses of one listener with port 0 share the port that the kernel chose for the first, which somebody
// may have at another of the addresses: then all are tried again.
constexpr int kPortAttempts = 16;

bool is_absent(int code) { return code == EAFNOSUPPORT || code == EADDRNOTAVAIL; }

bool shares_port(const core::Address& address) { return !is_unix(address.kind) && address.port == 0; }

}  // namespace

struct Listener::Attempt {
  std::vector<ListenerSocket> sockets;
  std::vector<OpenFailure> failures;
  std::uint16_t chosen_port = 0;
  bool port_was_taken = false;  // the one that the kernel has just chosen for another address
};

Listener::Listener(core::ListenerPlan plan, PathRights rights, int backlog)
    : plan_(std::move(plan)), rights_(rights), backlog_(plan_.options.backlog.value_or(backlog)) {}

std::uint16_t Listener::port_of(const core::Address& address) const {
  return shares_port(address) ? chosen_port_ : address.port;
}

Listener::Attempt Listener::try_to_open() const {
  Attempt attempt{.chosen_port = chosen_port_};
  for (const core::Address& address : plan_.addresses) {
    const std::uint16_t port = shares_port(address) ? attempt.chosen_port : address.port;
    auto socket = ListenerSocket::open({address, plan_.options, rights_, port, backlog_, paused_});
    if (socket) {
      if (shares_port(address)) attempt.chosen_port = socket->address().port();
      attempt.sockets.push_back(std::move(*socket));
    } else if (!address.if_available || !is_absent(socket.error().code)) {
      const bool just_chosen = shares_port(address) && port != chosen_port_;
      if (just_chosen && socket.error().code == EADDRINUSE) attempt.port_was_taken = true;
      attempt.failures.push_back({say(socket.error().text), socket.error().code});
    }
  }
  if (attempt.sockets.empty() && attempt.failures.empty()) {
    attempt.failures.push_back({say("this machine has none of its addresses"), EADDRNOTAVAIL});
  }
  return attempt;
}

std::expected<void, std::vector<OpenFailure>> Listener::open() {
  Attempt attempt = try_to_open();
  for (int again = 1; attempt.port_was_taken && again < kPortAttempts; ++again) attempt = try_to_open();
  if (!attempt.failures.empty()) return std::unexpected(std::move(attempt.failures));
  sockets_ = std::move(attempt.sockets);
  chosen_port_ = attempt.chosen_port;
  return {};
}

std::expected<void, std::string> Listener::apply_hold() {
  std::expected<void, std::string> all;
  for (ListenerSocket& socket : sockets_) {
    const bool hold = held_back_ || (paused_ && !is_unix(socket.kind()));
    const auto done = hold ? socket.hold_back() : socket.let_in();
    if (!done && all) all = std::unexpected(say(done.error().message()));
  }
  return all;
}

std::vector<std::string> Listener::hold_back() {
  std::vector<std::string> failures;
  if (std::exchange(held_back_, true)) return failures;
  for (ListenerSocket& socket : sockets_) {
    const auto done = socket.hold_back();
    if (done) continue;
    socket.let_few_in();
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
  sockets_.clear();
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
  return std::ranges::any_of(sockets_, &ListenerSocket::somebody_waits);
}

std::vector<std::string> Listener::reassert() {
  std::vector<std::string> changes;
  for (ListenerSocket& socket : sockets_) {
    for (const std::string& change : {socket.reassert_backlog(), socket.look_at_nonblock()}) {
      if (!change.empty()) changes.push_back(say(fmt::format("{}: {}", socket.address().text(), change)));
    }
  }
  return changes;
}

void Listener::add_bound_to(std::vector<BoundSocket>& out) const {
  for (std::size_t index = 0; index < sockets_.size(); ++index) out.push_back(bound(index));
}

BoundSocket Listener::bound(std::size_t index) const {
  const ListenerSocket& socket = sockets_[index];
  const os::SocketAddress& address = socket.address();
  std::string host = is_unix(socket.kind()) ? address.unix_name() : address.host();
  return {plan_.name, index, socket.fd(), socket.kind(), std::move(host), address.port()};
}

// An address with port 0 is meant by who asks for port 0, and by who asks for the port that the kernel chose. Of `::1`
// nobody can tell whether it has IPV6_V6ONLY; of `::` everybody can.
bool Listener::is_at(const ListenerSocket& socket, const core::Address& wanted, bool v6only) const {
  if (socket.kind() != wanted.kind) return false;
  const os::SocketAddress& real = socket.address();
  if (is_unix(wanted.kind)) return real.unix_name() == (wanted.abstract ? "@" : "") + wanted.path;
  if (real.port() != wanted.port && (wanted.port != 0 || chosen_port_ == 0)) return false;
  if (!real.is_any_host()) return real.host() == wanted.host;
  if (wanted.host.empty()) return real.family() == AF_INET || !plan_.options.v6only;
  return real.host() == wanted.host && (real.family() == AF_INET || plan_.options.v6only == v6only);
}

std::optional<BoundSocket> Listener::socket_at(const core::Address& wanted, bool v6only) const {
  for (std::size_t index = 0; index < sockets_.size(); ++index) {
    if (is_at(sockets_[index], wanted, v6only)) return bound(index);
  }
  return std::nullopt;
}

bool Listener::can_be_found() const {
  return !sockets_.empty() && std::ranges::all_of(sockets_, &ListenerSocket::can_be_found);
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
                   .apps = apps});
  }
  for (std::size_t index = 0; index < sockets_.size(); ++index) {
    const ListenerSocket& socket = sockets_[index];
    ListenerRow row{.name = plan_.name,
                    .index = index,
                    .kind = socket.kind(),
                    .address = socket.address().text(),
                    .port = socket.address().port(),
                    .paused = paused_,
                    .apps = apps};
    if (const auto queue = os::accept_queue(socket.fd())) {
      row.queue = queue->waiting;
      row.backlog = queue->backlog;
    }
    if (socket.kind() == core::SocketKind::udp) {
      if (const auto dropped = os::dropped_packets(socket.fd())) row.dropped = *dropped;
    }
    out.push_back(std::move(row));
  }
}

}  // namespace liveswap::master
