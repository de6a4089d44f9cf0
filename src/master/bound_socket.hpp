// One open socket of a listener, as those see it who hand it on: borrowed from Listeners, which keeps it open for as
// long as an app that lists the listener is started.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/plan.hpp"
#include "os/fd.hpp"

namespace liveswap::master {

struct BoundSocket {
  std::string listener;
  std::size_t index = 0;  // within the listener: 0 for the first
  os::FdRef fd;
  core::SocketKind kind = core::SocketKind::tcp;
  std::string address;     // the real one: "127.0.0.1:8080", "[::1]:80", "/run/x.sock", "@bus"
  std::uint16_t port = 0;  // the real one; 0 for Unix sockets
};

}  // namespace liveswap::master
