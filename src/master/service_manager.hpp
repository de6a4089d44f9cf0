// Whoever runs the master and wants to know how it does: systemd, or anything else that gives it a NOTIFY_SOCKET.
//
// Speaks the datagrams of sd_notify(3). Without a NOTIFY_SOCKET everything here does nothing. Never waits: a message
// that cannot be delivered is dropped, and the error says so.
#pragma once

#include <string>
#include <string_view>

#include "os/fd.hpp"
#include "os/sockaddr.hpp"
#include "wire/guard_messages.hpp"

namespace liveswap::master {

class ServiceManager {
 public:
  ServiceManager() = default;
  // `address`: the value of NOTIFY_SOCKET, a path or an @abstract name; "" for none.
  [[nodiscard]] static os::Result<ServiceManager> connect(std::string_view address);

  [[nodiscard]] bool listens() const { return socket_.valid(); }
  [[nodiscard]] os::Result<void> notify(const wire::guard::Notify& what) const;

 private:
  os::OwnedFd socket_;
};

}  // namespace liveswap::master
