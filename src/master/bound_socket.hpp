// One open socket of a listener, as those see it who hand it on: borrowed from Listeners, which keeps it open for as
// long as an app that lists the listener is started.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "config/expand.hpp"
#include "core/choices.hpp"
#include "os/fd.hpp"
#include "protocols/environment.hpp"

namespace liveswap::master {

struct BoundSocket {
  std::string listener;
  std::size_t index = 0;  // within the listener: 0 for the first
  os::FdRef fd;
  core::SocketKind kind = core::SocketKind::tcp;
  std::string host;        // the real one, numeric, without brackets; Unix: the path, or the name with its @
  std::uint16_t port = 0;  // the real one; 0 for Unix sockets
  bool steered = false;    // `fd` is only to be looked at, until it is handed to a worker: each has its own
};

// As a worker's environment tells of it: it will be descriptor `number` there.
[[nodiscard]] protocols::HandedSocket handed(const BoundSocket& socket, int number);
// As `${addr:…}` and `${port:…}` show it; its descriptor is left open.
[[nodiscard]] config::SocketValue value_of(const BoundSocket& socket);

}  // namespace liveswap::master
