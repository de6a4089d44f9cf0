#include "master/notify_socket.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <utility>

#include "os/close_aside.hpp"
#include "os/discard.hpp"
#include "wire/sd_notify.hpp"

namespace liveswap::master {
namespace {

constexpr double kBurst = 200;      // datagrams: a program that tells of every step of a long start
constexpr double kPerSecond = 100;  // far above any watchdog
constexpr int kDatagramsATurn = 64;

}  // namespace

NotifySocket::NotifySocket(loop::Loop& loop, std::string_view name, uid_t worker, Handlers handlers)
    : loop_(loop),
      name_(name),
      worker_(worker),
      handlers_(std::move(handlers)),
      allowed_(kBurst, kPerSecond, loop.now()) {}

NotifySocket::~NotifySocket() { os::discard_unread(socket_); }

os::Result<std::unique_ptr<NotifySocket>> NotifySocket::open(loop::Loop& loop, const WorkerAddress& address,
                                                             uid_t worker, Handlers handlers) {
  auto notify = std::unique_ptr<NotifySocket>(new NotifySocket(loop, "NOTIFY_SOCKET", worker, std::move(handlers)));
  auto socket = WorkerSocket::open(SOCK_DGRAM, address, worker);
  if (!socket) return std::unexpected(socket.error());
  notify->bound_ = std::move(*socket);
  const os::FdRef fd = notify->bound_.fd();
  return begin(std::move(notify), fd);
}

os::Result<std::unique_ptr<NotifySocket>> NotifySocket::adopt(loop::Loop& loop, os::OwnedFd end, uid_t worker,
                                                              Handlers handlers) {
  auto notify = std::unique_ptr<NotifySocket>(new NotifySocket(loop, "NOTIFY_FD", worker, std::move(handlers)));
  notify->end_ = std::move(end);
  const os::FdRef fd = notify->end_;
  return begin(std::move(notify), fd);
}

os::Result<std::unique_ptr<NotifySocket>> NotifySocket::go_on(loop::Loop& loop, LeftPart left, std::string address,
                                                              uid_t worker, Handlers handlers) {
  const bool has_address = !address.empty();
  const std::string_view name = has_address ? "NOTIFY_SOCKET" : "NOTIFY_FD";
  auto notify = std::unique_ptr<NotifySocket>(new NotifySocket(loop, name, worker, std::move(handlers)));
  notify->kept_ = std::move(left.part);
  if (has_address) {
    notify->bound_ = WorkerSocket(std::move(left.fd), std::move(address));
  } else {
    notify->end_ = std::move(left.fd);
  }
  const os::FdRef fd = has_address ? notify->bound_.fd() : notify->end_;
  return begin(std::move(notify), fd);
}

os::Result<std::unique_ptr<NotifySocket>> NotifySocket::begin(std::unique_ptr<NotifySocket> notify, os::FdRef socket) {
  notify->socket_ = socket;
  if (auto on = os::receive_credentials(socket); !on) return std::unexpected(on.error());
  auto watch = loop::FdWatch::open(notify->loop_, socket, {.readable = true},
                                   [self = notify.get()](loop::Readiness) { self->on_readable(); });
  if (!watch) return std::unexpected(watch.error());
  notify->watch_ = std::move(*watch);
  return notify;
}

void NotifySocket::on_readable() {
  for (int i = 0; i < kDatagramsATurn; ++i) {
    auto packet = os::receive_packet(socket_, wire::kNotificationMax + 1, os::kMaxPacketFds, MSG_DONTWAIT);
    if (!packet) return handlers_.problem(packet.error().message());
    if (!*packet) return;
    if (is_stranger(**packet)) {
      // and takes nothing of what the worker may send
    } else if (allowed_.take(loop_.now())) {
      handle(**packet);
    } else {
      tell_once(told_flood_, fmt::format("sends more than 100 messages a second to {}: the excess is dropped", name_));
    }
    os::close_aside((*packet)->fds);
  }
}

bool NotifySocket::is_stranger(const os::ReceivedPacket& packet) {
  const uid_t sender = packet.credentials ? packet.credentials->uid : static_cast<uid_t>(-1);
  if (sender == worker_ || sender == 0) return false;
  tell_once(told_stranger_,
            fmt::format("uid {} sent to {}, which only uid {} may: ignored", sender, name_, worker_));
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
