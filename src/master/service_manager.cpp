#include "master/service_manager.hpp"

#include <sys/socket.h>

#include "os/scm.hpp"
#include "os/socket.hpp"
#include "wire/service_notification.hpp"

namespace liveswap::master {

namespace {

os::Result<os::SocketAddress> parse(std::string_view address) {
  if (address.starts_with('@')) return os::SocketAddress::unix_abstract(address.substr(1));
  if (address.starts_with('/')) return os::SocketAddress::unix_path(address);
  return os::fail_with(0, "NOTIFY_SOCKET=" + std::string(address) + ": neither a path nor an @abstract name");
}

}  // namespace

os::Result<ServiceManager> ServiceManager::connect(std::string_view address) {
  ServiceManager manager;
  if (address.empty()) return manager;
  const auto parsed = parse(address);
  if (!parsed) return std::unexpected(parsed.error());
  auto socket = os::open_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK);
  if (!socket) return std::unexpected(socket.error());
  if (const auto connected = os::connect_to(*socket, *parsed); !connected) return std::unexpected(connected.error());
  manager.socket_ = std::move(*socket);
  return manager;
}

os::Result<void> ServiceManager::notify(const wire::guard::Notify& what) const {
  if (!socket_) return {};
  const std::string text = wire::notification_text(what);
  const auto sent = os::send_packet(socket_, std::as_bytes(std::span(text)));
  if (!sent) return std::unexpected(sent.error());
  if (*sent == os::SendOutcome::would_block) return os::fail_with(EAGAIN, "send(NOTIFY_SOCKET)");
  return {};
}

}  // namespace liveswap::master
