#include "master/einhorn_link.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <optional>
#include <string>
#include <utility>

#include "os/close_aside.hpp"
#include "os/discard.hpp"
#include "os/scm.hpp"
#include "os/socket.hpp"
#include "protocols/einhorn.hpp"
#include "wire/einhorn.hpp"
#include "wire/line_reader.hpp"

namespace liveswap::master {
namespace {

constexpr int kBacklog = 16;
constexpr int kAcceptedATurn = 64;
constexpr auto kAcceptAgain = std::chrono::seconds(1);
constexpr std::size_t kConnectionsMax = 16;  // each says one thing, so more than one at a time is rare
constexpr double kBurst = 20;                // messages: one ack, and pings
constexpr double kPerSecond = 10;

}  // namespace

struct EinhornLink::Connection {
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { os::discard_unread(socket); }

  os::OwnedFd socket;
  KeptPart kept;  // of the one that was there from the start
  wire::LineReader lines{wire::einhorn::kLineMax};
  std::unique_ptr<loop::FdWatch> watch;
};

EinhornLink::EinhornLink(loop::Loop& loop, uid_t worker, LinkHandlers handlers)
    : loop_(loop),
      worker_(worker),
      handlers_(std::move(handlers)),
      accept_again_(loop, [this] { watch_->want({.readable = true}); }),
      allowed_(kBurst, kPerSecond, loop.now()) {}

EinhornLink::~EinhornLink() { os::discard_unaccepted(socket_.fd()); }

os::Result<std::unique_ptr<EinhornLink>> EinhornLink::open(loop::Loop& loop, const WorkerAddress& address,
                                                           uid_t worker, LinkHandlers handlers) {
  auto link = std::unique_ptr<EinhornLink>(new EinhornLink(loop, worker, std::move(handlers)));
  auto socket = WorkerSocket::open(SOCK_STREAM, address, worker);
  if (!socket) return std::unexpected(socket.error());
  link->socket_ = std::move(*socket);
  if (auto listening = os::listen_on(link->socket_.fd(), kBacklog); !listening) {
    return std::unexpected(listening.error());
  }
  auto pair = os::open_socket_pair(SOCK_STREAM);
  if (!pair) return std::unexpected(pair.error());
  link->theirs_ = std::move(pair->second);
  link->kept_ = link->handlers_.keep(link->socket_.fd());
  KeptPart kept = link->handlers_.keep(pair->first);
  if (auto added = link->add(std::move(pair->first), std::move(kept)); !added) return std::unexpected(added.error());
  if (auto watched = link->watch(); !watched) return std::unexpected(watched.error());
  return link;
}

os::Result<std::unique_ptr<EinhornLink>> EinhornLink::go_on(loop::Loop& loop, uid_t worker, LinkHandlers handlers,
                                                            SocketLinkState state) {
  auto link = std::unique_ptr<EinhornLink>(new EinhornLink(loop, worker, std::move(handlers)));
  auto socket = link->handlers_.take(state.socket);
  if (!socket) return std::unexpected(socket.error());
  link->socket_ = WorkerSocket(std::move(socket->fd), std::move(state.address));
  link->kept_ = std::move(socket->part);
  if (state.connected != 0) {
    auto connected = link->handlers_.take(state.connected);
    if (!connected) return std::unexpected(connected.error());
    if (auto added = link->add(std::move(connected->fd), std::move(connected->part)); !added) {
      return std::unexpected(added.error());
    }
  }
  if (auto watched = link->watch(); !watched) return std::unexpected(watched.error());
  return link;
}

os::Result<void> EinhornLink::watch() {
  auto watch = loop::FdWatch::open(loop_, socket_.fd(), {.readable = true}, [this](loop::Readiness) { accept_all(); });
  if (!watch) return std::unexpected(watch.error());
  watch_ = std::move(*watch);
  return {};
}

LinkState EinhornLink::save() const {
  SocketLinkState state{.socket = kept_.number, .address = socket_.address()};
  for (const auto& connection : connections_) {
    if (connection->kept.number != 0) state.connected = connection->kept.number;
  }
  return state;
}

LinkGift EinhornLink::gift(int free) const {
  return {.variables = {{"EINHORN_SOCK_PATH", socket_.address()}, {"EINHORN_SOCK_FD", std::to_string(free)}},
          .descriptors = {{theirs_, free}}};
}

void EinhornLink::accept_all() {
  for (int i = 0; i < kAcceptedATurn; ++i) {
    auto accepted = os::accept_connection(socket_.fd());
    if (!accepted) {  // out of descriptors: whoever waits goes on waiting, and the loop does not spin
      handlers_.problem(accepted.error().message());
      watch_->want({});
      return accept_again_.start_after(kAcceptAgain);
    }
    if (!*accepted) return;
    const auto peer = os::peer_credentials((*accepted)->socket);
    if (!peer || (peer->uid != worker_ && peer->uid != 0)) {
      tell_once(told_stranger_, fmt::format("somebody else than uid {} spoke to EINHORN_SOCK_PATH: ignored", worker_));
      continue;
    }
    if (auto added = add(std::move((*accepted)->socket)); !added) handlers_.problem(added.error().message());
  }
}

os::Result<void> EinhornLink::add(os::OwnedFd socket, KeptPart kept) {
  auto connection = std::make_unique<Connection>();
  connection->socket = std::move(socket);
  connection->kept = std::move(kept);
  auto watch = loop::FdWatch::open(loop_, connection->socket, {.readable = true},
                                   [this, self = connection.get()](loop::Readiness) { read(*self); });
  if (!watch) return std::unexpected(watch.error());
  connection->watch = std::move(*watch);
  if (connections_.size() >= kConnectionsMax) connections_.erase(connections_.begin());
  connections_.push_back(std::move(connection));
  return {};
}

// Its first line is all that it may say; what was begun when it is closed is nothing.
void EinhornLink::read(Connection& connection) {
  auto piece =
      os::receive_packet(connection.socket, wire::einhorn::kLineMax, os::kMaxPacketFds, MSG_DONTWAIT);
  if (piece && !*piece) return;
  if (!piece || (*piece)->eof) return close(connection);
  os::close_aside((*piece)->fds);
  const std::string_view bytes{reinterpret_cast<const char*>((*piece)->payload.data()), (*piece)->payload.size()};
  std::optional<std::string> first;
  bool too_long = false;
  connection.lines.feed(bytes, [&](std::optional<std::string_view> line) {
    if (first || too_long) return;
    too_long = !line;
    if (line) first = *line;
  });
  if (too_long) handlers_.problem("what came on einhorn's socket is too long a line: ignored");
  if (first) take(*first);
  if (first || too_long) close(connection);
}

void EinhornLink::take(std::string_view line) {
  if (allowed_.take(loop_.now())) return handlers_.said(protocols::events_of_command(line));
  tell_once(told_flood_, "sends more than 10 messages a second to einhorn's socket: the excess is dropped");
}

void EinhornLink::close(const Connection& connection) {
  std::erase_if(connections_, [&](const auto& known) { return known.get() == &connection; });
}

void EinhornLink::finish() {
  accept_all();
  std::vector<Connection*> open;
  for (const auto& connection : connections_) open.push_back(connection.get());
  for (Connection* connection : open) read(*connection);
}

void EinhornLink::tell_once(bool& told, std::string_view text) {
  if (!std::exchange(told, true)) handlers_.problem(text);
}

}  // namespace liveswap::master
