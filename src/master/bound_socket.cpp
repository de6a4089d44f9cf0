#include "master/bound_socket.hpp"

namespace liveswap::master {

protocols::HandedSocket handed(const BoundSocket& socket, int number) {
  using Family = protocols::HandedSocket::Family;
  const Family inet = socket.host.contains(':') ? Family::ipv6 : Family::ipv4;
  return {.name = socket.listener,
          .number = number,
          .family = is_unix(socket.kind) ? Family::unix_path : inet,
          .host = socket.host,
          .port = socket.port,
          .kind = socket.kind};
}

config::SocketValue value_of(const BoundSocket& socket) {
  config::SocketValue value{.listener = socket.listener, .address = socket.host, .port = {}, .fd = {}};
  if (!is_unix(socket.kind)) value.port = socket.port;
  return value;
}

}  // namespace liveswap::master
