// What the tests of listeners share: plans, a Listeners on a loop of its own, clients.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../os/sockets.hpp"
#include "core/event.hpp"
#include "loop/loop.hpp"
#include "loop/timer.hpp"
#include "master/listeners.hpp"
#include "os/accept_queue.hpp"
#include "os/socket_filter.hpp"

namespace liveswap::master::test {

using os::FdRef;
using os::OwnedFd;
using os::test::must;
using os::test::TempDir;

inline core::Address tcp(std::string host, std::uint16_t port = 0) {
  return {.kind = core::SocketKind::tcp, .host = std::move(host), .port = port, .text = "tcp://…"};
}

inline core::Address udp(std::string host, std::uint16_t port = 0) {
  return {.kind = core::SocketKind::udp, .host = std::move(host), .port = port, .text = "udp://…"};
}

inline core::Address unix_path(std::string path, core::SocketKind kind = core::SocketKind::unix_stream) {
  return {.kind = kind, .path = std::move(path), .text = "unix:…"};
}

inline core::Address unix_abstract(std::string name, core::SocketKind kind = core::SocketKind::unix_stream) {
  return {.kind = kind, .path = std::move(name), .abstract = true, .text = "unix:@…"};
}

inline core::Address if_available(core::Address address) {
  address.if_available = true;
  return address;
}

inline core::ListenerPlan listener(std::string name, std::vector<core::Address> addresses,
                                   core::SocketOptions options = {}) {
  return {.name = std::move(name), .addresses = std::move(addresses), .options = std::move(options)};
}

inline core::AppPlan app(std::string name, std::vector<std::string> listeners) {
  return {.name = std::move(name), .listeners = std::move(listeners)};
}

inline core::MasterPlan plan(std::vector<core::ListenerPlan> listeners,
                             std::vector<core::AppPlan> apps = {}) {
  core::MasterPlan made;
  made.listeners = std::move(listeners);
  made.apps = std::move(apps);
  return made;
}

// As one text, so that a failed check shows both sides.
inline std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return all;
}

// Listeners as a master has them, with all that they have posted.
struct World {
  loop::Loop loop;
  std::vector<core::Event> posted;
  bool stop_on_post = false;
  Keeper keeper;
  Listeners listeners{loop, [this](core::Event event) { take(std::move(event)); }, keeper};

  World() = default;
  explicit World(const core::MasterPlan& to_bind) { bind(to_bind); }

  void bind(const core::MasterPlan& to_bind) {
    const auto bound = listeners.bind(to_bind);
    if (bound) return;
    for (const std::string& failure : bound.error()) MESSAGE(failure);
    FAIL("not bound");
  }

  std::string failures(const core::MasterPlan& to_bind) {
    const auto bound = listeners.bind(to_bind);
    return bound ? "" : lines(bound.error());
  }

  void take(core::Event event) {
    posted.push_back(std::move(event));
    if (stop_on_post) loop.stop();
  }

  // Runs the loop until something is posted, at most `at_most`; whether something was.
  bool wait_for_post(std::chrono::milliseconds at_most = std::chrono::seconds(10)) {
    const std::size_t before = posted.size();
    loop::Timer limit(loop, [this] { loop.stop(); });
    limit.start_after(at_most);
    stop_on_post = true;
    loop.run();
    stop_on_post = false;
    return posted.size() > before;
  }

  template <class Wanted>
  [[nodiscard]] const Wanted* last() const {
    return posted.empty() ? nullptr : std::get_if<Wanted>(&posted.back());
  }

  [[nodiscard]] std::vector<BoundSocket> sockets(const std::vector<std::string>& names) const {
    return listeners.sockets_of(names);
  }
  [[nodiscard]] BoundSocket socket(const std::string& name, std::size_t index = 0) const {
    const auto all = sockets({name});
    REQUIRE(all.size() > index);
    return all[index];
  }
  [[nodiscard]] std::size_t open_sockets(const std::string& name) const { return sockets({name}).size(); }
  [[nodiscard]] ListenerRow row(const std::string& name, std::size_t index = 0) const {
    for (const ListenerRow& row : listeners.rows()) {
      if (row.name == name && row.index == index) return row;
    }
    FAIL("no row");
    return {};
  }
};

inline core::AppId app_id(std::uint64_t number) { return core::AppId{number}; }

inline os::SocketAddress address_of(const BoundSocket& socket) { return must(os::local_address(socket.fd)); }

// A client's connection; an invalid descriptor where it is refused.
inline OwnedFd client_of(const os::SocketAddress& address, int type = SOCK_STREAM) {
  OwnedFd socket = must(os::open_socket(address.family(), type));
  return os::connect_to(socket, address) ? std::move(socket) : OwnedFd{};
}

inline int errno_of_client(const os::SocketAddress& address, int type = SOCK_STREAM) {
  const OwnedFd socket = must(os::open_socket(address.family(), type));
  const auto connected = os::connect_to(socket, address);
  return connected ? 0 : connected.error().code;
}

// A connection whose handshake is under way: complete when writable.
inline OwnedFd begin_connecting(const os::SocketAddress& address) {
  OwnedFd socket = must(os::open_socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK));
  const auto connected = os::connect_to(socket, address);
  REQUIRE((connected || connected.error().code == EINPROGRESS));
  return socket;
}

// Whether it is writable already, or gets so within `at_most`.
inline bool is_connected(FdRef socket, int at_most_ms = 0) {
  pollfd asked{socket.get(), POLLOUT, 0};
  return ::poll(&asked, 1, at_most_ms) == 1 && (asked.revents & (POLLERR | POLLHUP)) == 0;
}

inline OwnedFd accept_from(const BoundSocket& socket) {
  auto accepted = must(os::accept_connection(socket.fd));
  REQUIRE(accepted.has_value());
  return std::move(accepted->socket);
}

inline bool exists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

inline struct stat stat_of(const std::string& path) {
  struct stat found {};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found;
}

// A socket file whose socket is gone.
inline void leave_stale(const std::string& path, int type = SOCK_STREAM) {
  const OwnedFd socket = must(os::open_socket(AF_UNIX, type));
  must(os::bind_socket(socket, must(os::SocketAddress::unix_path(path))));
}

inline bool is_root() { return ::geteuid() == 0; }

// Whether this kernel lets us attach a filter to a TCP socket. Says so where it does not.
inline bool can_hold_back_tcp() {
  const OwnedFd socket = must(os::open_socket(AF_INET, SOCK_STREAM));
  if (os::attach_pause_filter(socket)) return true;
  MESSAGE("skipped: this kernel asks for CAP_NET_ADMIN");
  return false;
}

// An ordinary user's effective rights, for as long as it lives. Only for tests that run as root.
class Unprivileged {
 public:
  Unprivileged() { REQUIRE(::seteuid(65534) == 0); }
  ~Unprivileged() {
    if (::seteuid(0) != 0) std::abort();
  }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
};

}  // namespace liveswap::master::test
