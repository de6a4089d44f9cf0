#include "master/notify_socket.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "os/sockaddr.hpp"
#include "os/socket.hpp"
#include "wire/sd_notify.hpp"

namespace liveswap::master {
namespace {

constexpr double kBurst = 200;      // datagrams: a program that tells of every step of a long start
constexpr double kPerSecond = 100;  // far above any watchdog
constexpr int kDatagramsATurn = 64;
constexpr std::size_t kDescriptorsMax = 16;  // of a datagram: none is kept, so more are not even taken in

}  // namespace

NotifySocket::NotifySocket(loop::Loop& loop, uid_t worker, Handlers handlers)
    : loop_(loop), worker_(worker), handlers_(std::move(handlers)), allowed_(kBurst, kPerSecond, loop.now()) {}

NotifySocket::~NotifySocket() {
  if (!address_.empty() && address_[0] == '/') ::unlink(address_.c_str());
}

os::Result<std::unique_ptr<NotifySocket>> NotifySocket::open(loop::Loop& loop, const std::string& path,
                                                             const std::string& abstract, uid_t worker,
                                                             Handlers handlers) {
  auto notify = std::unique_ptr<NotifySocket>(new NotifySocket(loop, worker, std::move(handlers)));
  if (auto bound = notify->bind(path, abstract); !bound) return std::unexpected(bound.error());
  auto watch = loop::FdWatch::open(loop, notify->socket_, {.readable = true},
                                   [self = notify.get()](loop::Readiness) { self->on_readable(); });
  if (!watch) return std::unexpected(watch.error());
  notify->watch_ = std::move(*watch);
  return notify;
}

os::Result<void> NotifySocket::bind(const std::string& path, const std::string& abstract) {
  auto socket = os::open_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK);
  if (!socket) return std::unexpected(socket.error());
  socket_ = std::move(*socket);
  if (auto on = os::receive_credentials(socket_); !on) return on;
  auto address = os::SocketAddress::unix_path(path);
  const bool has_path = address.has_value();
  if (!has_path) address = os::SocketAddress::unix_abstract(std::string_view(abstract).substr(1));
  if (!address) return std::unexpected(address.error());
  // The file gets the socket's own mode, so there is no moment in which others could open it.
  if (::fchmod(socket_.get(), 0600) == -1) return os::fail("fchmod", has_path ? path : abstract);
  if (has_path) ::unlink(path.c_str());  // left by a master that did not end by itself; the directory is ours alone
  if (auto bound = os::bind_socket(socket_, *address); !bound) return bound;
  address_ = has_path ? path : abstract;
  if (has_path && worker_ != ::geteuid() && ::lchown(path.c_str(), worker_, static_cast<gid_t>(-1)) == -1) {
    return os::fail("lchown", path);
  }
  return {};
}

void NotifySocket::on_readable() {
  for (int i = 0; i < kDatagramsATurn; ++i) {
    const auto packet = os::receive_packet(socket_, wire::kNotificationMax + 1, kDescriptorsMax, MSG_DONTWAIT);
    if (!packet) return handlers_.problem(packet.error().message());
    if (!*packet) return;
    if (is_stranger(**packet)) continue;  // and takes nothing of what the worker may send
    if (allowed_.take(loop_.now())) {
      handle(**packet);
    } else {
      tell_once(told_flood_, "sends more than 100 messages a second to NOTIFY_SOCKET: the excess is dropped");
    }
  }
}

bool NotifySocket::is_stranger(const os::ReceivedPacket& packet) {
  const uid_t sender = packet.credentials ? packet.credentials->uid : static_cast<uid_t>(-1);
  if (sender == worker_ || sender == 0) return false;
  tell_once(told_stranger_,
            fmt::format("uid {} sent to NOTIFY_SOCKET, which only uid {} may: ignored", sender, worker_));
  return true;
}

void NotifySocket::handle(const os::ReceivedPacket& packet) {
  const std::string_view text{reinterpret_cast<const char*>(packet.payload.data()), packet.payload.size()};
  handlers_.said(text, packet.fds.size());
}

void NotifySocket::tell_once(bool& told, std::string_view text) {
  if (!std::exchange(told, true)) handlers_.problem(text);
}

}  // namespace liveswap::master
