#include "os/socket_owner.hpp"

#include "processes.hpp"
#include "sockets.hpp"

namespace liveswap::os {
using namespace test;

namespace {

// Gives the socket to a child that alone holds it then.
template <class Check>
void held_by_a_child(Listener listener, Check check) {
  SpawnRequest request;
  request.path = "/bin/cat";
  request.argv = {"cat"};
  Pair in = pipe_pair();
  request.fds = {{in.a, STDIN_FILENO}, {listener.socket, 9}};
  const Child child(request);
  listener.socket.reset();
  check(listener.address, child.pid());
}

std::string owner(const SocketAddress& address, int type = SOCK_STREAM) {
  const auto found = find_socket_owner(address, type);
  return found ? found->text() : "nobody";
}

std::string cat(pid_t pid) { return "PID " + std::to_string(pid) + " (cat)"; }

}  // namespace

TEST_CASE("who listens on a TCP address is found, also by the other addresses that cannot be bound then") {
  held_by_a_child(listening(loopback()), [](const SocketAddress& address, pid_t pid) {
    CHECK(owner(address) == cat(pid));
    CHECK(owner(must(SocketAddress::ipv4("0.0.0.0", address.port()))) == cat(pid));
    CHECK(owner(must(SocketAddress::ipv6("::", address.port()))) == cat(pid));
    CHECK(owner(must(SocketAddress::ipv4("127.0.0.2", address.port()))) == "nobody");
    CHECK(owner(must(SocketAddress::ipv6("::1", address.port()))) == "nobody");
    CHECK(owner(address, SOCK_DGRAM) == "nobody");
  });
}

TEST_CASE("who has bound a UDP port or a unix path is found") {
  held_by_a_child(bound(loopback(), SOCK_DGRAM), [](const SocketAddress& address, pid_t pid) {
    CHECK(owner(address, SOCK_DGRAM) == cat(pid));
  });
  const TempDir dir;
  held_by_a_child(listening(must(SocketAddress::unix_path(dir.path("s")))),
                  [&](const SocketAddress& address, pid_t pid) {
                    CHECK(owner(address) == cat(pid));
                    CHECK(owner(must(SocketAddress::unix_path(dir.path("other")))) == "nobody");
                  });
}

}  // namespace liveswap::os
