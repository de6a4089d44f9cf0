#include "master/preload_link.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <utility>
#include <variant>

#include "os/close_aside.hpp"
#include "os/discard.hpp"
#include "os/pidfd.hpp"
#include "os/remote_process.hpp"
#include "wire/bind_call.hpp"

namespace liveswap::master {
namespace {

namespace bind_call = wire::bind_call;

constexpr int kBacklog = 128;  // who finds it full waits in connect()
constexpr int kAcceptedATurn = 64;
constexpr auto kAcceptAgain = std::chrono::seconds(1);
constexpr std::size_t kConnectionsMax = 256;  // each has asked already, or is about to

// Linux 5.14, and so not in every system's headers.
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

std::optional<std::uint64_t> network_of(os::FdRef socket) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) != 0) return std::nullopt;
  return cookie;
}

}  // namespace

PreloadLink::PreloadLink(loop::Loop& loop, std::string library, uid_t worker, BindWatch& binds, LinkHandlers handlers)
    : loop_(loop),
      library_(std::move(library)),
      worker_(worker),
      binds_(binds),
      handlers_(std::move(handlers)),
      accept_again_(loop, [this] { watch_->want({.readable = true}); }) {}

PreloadLink::~PreloadLink() {
  for (const auto& connection : connections_) os::discard_unread(connection->socket);
  os::discard_unaccepted(socket_.fd());
}

os::Result<std::unique_ptr<PreloadLink>> PreloadLink::open(loop::Loop& loop, const std::string& abstract,
                                                           std::string library, uid_t worker, BindWatch& binds,
                                                           LinkHandlers handlers) {
  auto link = std::unique_ptr<PreloadLink>(
      new PreloadLink(loop, std::move(library), worker, binds, std::move(handlers)));
  auto socket = WorkerSocket::open(SOCK_SEQPACKET, {.path = "", .abstract = abstract}, worker);
  if (!socket) return std::unexpected(socket.error());
  link->socket_ = std::move(*socket);
  if (auto listening = os::listen_on(link->socket_.fd(), kBacklog); !listening) {
    return std::unexpected(listening.error());
  }
  link->kept_ = link->handlers_.keep(link->socket_.fd());
  if (auto watched = link->watch(); !watched) return std::unexpected(watched.error());
  return link;
}

os::Result<std::unique_ptr<PreloadLink>> PreloadLink::go_on(loop::Loop& loop, std::string library, uid_t worker,
                                                            BindWatch& binds, LinkHandlers handlers,
                                                            SocketLinkState state) {
  auto link = std::unique_ptr<PreloadLink>(
      new PreloadLink(loop, std::move(library), worker, binds, std::move(handlers)));
  auto socket = link->handlers_.take(state.socket);
  if (!socket) return std::unexpected(socket.error());
  link->socket_ = WorkerSocket(std::move(socket->fd), std::move(state.address));
  link->kept_ = std::move(socket->part);
  if (auto watched = link->watch(); !watched) return std::unexpected(watched.error());
  return link;
}

os::Result<void> PreloadLink::watch() {
  auto watch = loop::FdWatch::open(loop_, socket_.fd(), {.readable = true}, [this](loop::Readiness) { accept_all(); });
  if (!watch) return std::unexpected(watch.error());
  watch_ = std::move(*watch);
  return {};
}

LinkGift PreloadLink::gift(int) const {
  return {.variables = {{LIVESWAP_BIND_VARIABLE, socket_.address()}}, .library = library_};
}

// ---- connections ----

void PreloadLink::accept_all() {
  for (int i = 0; i < kAcceptedATurn; ++i) {
    auto accepted = os::accept_connection(socket_.fd());
    if (!accepted) {  // out of descriptors: whoever waits goes on waiting, and the loop does not spin
      handlers_.problem(accepted.error().message());
      watch_->want({});
      return accept_again_.start_after(kAcceptAgain);
    }
    if (!*accepted) return;
    if (auto added = add(std::move((*accepted)->socket)); !added) handlers_.problem(added.error().message());
  }
}

// One that is closed without an answer goes on as if liveswap were not there.
os::Result<void> PreloadLink::add(os::OwnedFd socket) {
  auto peer = os::peer_credentials(socket);
  if (!peer) return std::unexpected(peer.error());
  if (peer->uid != worker_ && peer->uid != 0 && !binds_.has_process(peer->pid)) {
    binds_.tell_once(fmt::format("somebody else than uid {} spoke to " LIVESWAP_BIND_VARIABLE ": ignored", worker_));
    os::discard_unread(socket);
    return {};
  }
  auto connection = std::make_unique<Connection>();
  connection->socket = std::move(socket);
  connection->peer = std::move(*peer);
  auto watch = loop::FdWatch::open(loop_, connection->socket, {.readable = true},
                                   [this, self = connection.get()](loop::Readiness) { read(*self); });
  if (!watch) return std::unexpected(watch.error());
  connection->watch = std::move(*watch);
  if (connections_.size() >= kConnectionsMax) close(*connections_.front());
  connections_.push_back(std::move(connection));
  return {};
}

// It asks once.
void PreloadLink::read(Connection& connection) {
  auto packet = os::receive_packet(connection.socket, bind_call::kRequestMax, 1, MSG_DONTWAIT);
  if (packet && !*packet) return;
  if (packet && !(*packet)->eof) {
    const Answer given = answer(connection, **packet);
    const auto bytes = given.reply.go_on ? bind_call::encode(bind_call::Answer(bind_call::GoOn{}))
                                         : bind_call::encode(bind_call::Answer(bind_call::Done{given.reply.error}));
    const auto* socket = given.socket ? &*given.socket : nullptr;
    (void)os::send_packet(connection.socket, bytes, {socket, socket != nullptr ? std::size_t{1} : 0}, MSG_DONTWAIT);
    os::close_aside((*packet)->fds);
  }
  close(connection);
}

void PreloadLink::close(const Connection& connection) {
  os::discard_unread(connection.socket);
  std::erase_if(connections_, [&](const auto& known) { return known.get() == &connection; });
}

void PreloadLink::finish() {
  accept_all();
  std::vector<Connection*> open;
  for (const auto& connection : connections_) open.push_back(connection.get());
  for (Connection* connection : open) read(*connection);
}

// ---- calls ----

PreloadLink::Answer PreloadLink::answer(const Connection& connection, os::ReceivedPacket& packet) {
  Answer answer{.reply = {.go_on = true}, .socket = std::nullopt};
  if (packet.truncated) {  // there was no room for the socket here
    binds_.tell_once(fmt::format("binds by itself, since its socket cannot be received: {}", os::errno_text(EMFILE)));
    return answer;
  }
  const auto request = bind_call::decode(packet.payload, packet.fds.size());
  if (!request) {
    binds_.tell_once(fmt::format("what came to " LIVESWAP_BIND_VARIABLE " is not understood: {}",
                                 request.error().reason));
    return answer;
  }
  const int number = std::visit([](const auto& call) { return call.descriptor; }, *request);
  auto seen = look_at(connection, number, std::move(packet.fds.front()));
  if (!seen) {
    binds_.tell_once("binds by itself, since what it binds cannot be seen to: " + seen.error().message());
    return answer;
  }
  seen->put = [&answer](os::FdRef left) -> os::Result<void> {
    answer.socket = left;
    return {};
  };
  if (const auto* bind = std::get_if<bind_call::Bind>(&*request)) {
    answer.reply = binds_.bind(std::move(*seen), bind->address);
  } else {
    answer.reply = binds_.listen(std::move(*seen), std::get<bind_call::Listen>(*request).backlog);
  }
  return answer;
}

os::Result<BindCall> PreloadLink::look_at(const Connection& connection, int descriptor, os::OwnedFd socket) const {
  const pid_t pid = connection.peer.pid;
  if (pid == 0) return os::fail_with(ESRCH, "a process of another pid namespace");
  auto pidfd = os::peer_pidfd(connection.socket, pid);
  if (!pidfd) return std::unexpected(pidfd.error());
  if (!is_in_our_network(pid, socket)) return os::fail_with(EXDEV, "a process of another network namespace");
  return BindCall{pid, pid, std::move(*pidfd), descriptor, std::move(socket), {}};
}

// By the kernel's cookie: /proc asks for the right to trace the process, for want of which this way may be chosen.
bool PreloadLink::is_in_our_network(pid_t pid, os::FdRef socket) const {
  const auto its = network_of(socket), own = network_of(socket_.fd());
  if (its && own) return *its == *own;
  return os::shares_namespace(pid, "net").value_or(false);
}

}  // namespace liveswap::master
