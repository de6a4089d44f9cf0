#include "master/listener_options.hpp"

#include <sys/socket.h>

#include <chrono>

#include "master/listener_socket.hpp"
#include "os/socket_option.hpp"

namespace liveswap::master {
namespace {

// Sets options one after the other until one fails; the first failure is kept.
class Setter {
 public:
  explicit Setter(os::FdRef socket) : socket_(socket) {}

  void set(const os::SocketOption& option, int value) { run(os::set_option, option, value); }
  template <class T>
  void set_if(const os::SocketOption& option, const std::optional<T>& value) {
    if (value) set(option, static_cast<int>(*value));
  }
  template <class Function, class... Arguments>
  void run(Function function, const Arguments&... arguments) {
    if (done_) done_ = function(socket_, arguments...);
  }
  [[nodiscard]] os::Result<void> done() const { return done_; }

 private:
  os::FdRef socket_;
  os::Result<void> done_;
};

void set_tcp_options(Setter& setter, const core::SocketOptions& options) {
  // A port of connections that are still in TIME_WAIT can be bound; two listeners still exclude each other.
  setter.set(os::option::kReuseAddress, 1);
  setter.set_if(os::option::kNoDelay, options.nodelay);
  setter.set_if(os::option::kKeepalive, options.keepalive);
  setter.set_if(os::option::kFastOpen, options.fastopen);
  if (options.defer_accept) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*options.defer_accept);
    setter.set(os::option::kDeferAccept, static_cast<int>(seconds.count()));
  }
}

}  // namespace

os::Result<void> set_listener_options(os::FdRef socket, int family, const core::Address& address,
                                      const core::SocketOptions& options) {
  Setter setter(socket);
  // Before listen(): a TCP window is scaled by the size that the buffer has then.
  setter.set_if(os::option::kReceiveBuffer, options.rcvbuf);
  setter.set_if(os::option::kSendBuffer, options.sndbuf);
  if (is_unix(address.kind)) return setter.done();

  // Said explicitly, since net.ipv6.bindv6only could say otherwise.
  if (family == AF_INET6) setter.set(os::option::kV6Only, options.v6only && !address.host.empty() ? 1 : 0);
  if (address.kind == core::SocketKind::tcp) set_tcp_options(setter, options);
  if (options.reuseport) setter.set(os::option::kReusePort, 1);
  if (options.freebind) setter.run(os::set_freebind, true);
  if (options.transparent) setter.run(os::set_transparent, true);
  setter.set_if(os::option::kMark, options.mark);
  if (options.tos) setter.run(os::set_tos, *options.tos);
  if (!options.interface.empty()) setter.run(os::bind_to_device, options.interface);
  return setter.done();
}

}  // namespace liveswap::master
