#include "os/socket.hpp"

#include <grp.h>

#include "processes.hpp"
#include "sockets.hpp"

namespace liveswap::os {
using namespace test;

TEST_CASE("an address that is taken is an error with the address") {
  const Listener first = listening(loopback());
  const OwnedFd second = must(open_socket(AF_INET, SOCK_STREAM));
  CHECK(error_of(bind_socket(second, first.address)) ==
        "bind(" + first.address.text() + "): Address already in use");
}

TEST_CASE("listening on what cannot listen names the socket's address") {
  const Listener udp = bound(loopback(), SOCK_DGRAM);
  CHECK(error_of(listen_on(udp.socket, 1)) == "listen(" + udp.address.text() + "): Operation not supported");
}

TEST_CASE("a connection is accepted, close-on-exec, with its peer's address") {
  const Listener listener = listening(loopback());
  const OwnedFd client = connected(listener.address);
  const auto accepted = must(accept_connection(listener.socket, SOCK_NONBLOCK));
  REQUIRE(accepted.has_value());
  CHECK(accepted->peer == must(local_address(client)));
  CHECK(must(is_cloexec(accepted->socket)));
  CHECK(must(is_nonblock(accepted->socket)));
}

TEST_CASE("a listener with nobody waiting answers nullopt") {
  const Listener listener = listening(loopback(), SOCK_STREAM | SOCK_NONBLOCK);
  CHECK(!must(accept_connection(listener.socket)).has_value());
}

TEST_CASE("accepting on what does not listen is an error") {
  const Listener udp = bound(loopback(), SOCK_DGRAM);
  CHECK(error_of(accept_connection(udp.socket)) ==
        "accept4(" + udp.address.text() + "): Operation not supported");
}

TEST_CASE("connecting where nobody listens is an error with the address") {
  const TempDir dir;
  const SocketAddress address = must(SocketAddress::unix_path(dir.path("none")));
  const OwnedFd socket = must(open_socket(AF_UNIX, SOCK_STREAM));
  CHECK(error_of(connect_to(socket, address)) ==
        "connect(" + dir.path("none") + "): No such file or directory");
}

TEST_CASE("everything made here is close-on-exec") {
  CHECK(must(is_cloexec(must(open_socket(AF_INET6, SOCK_DGRAM)))));
  const SocketPair pair = must(open_socket_pair(SOCK_SEQPACKET | SOCK_NONBLOCK));
  CHECK(must(is_cloexec(pair.first)));
  CHECK(must(is_cloexec(pair.second)));
  CHECK(must(is_nonblock(pair.second)));
}

TEST_CASE("a unix peer's process, user and all groups are known") {
  const TempDir dir;
  const Listener listener = listening(must(SocketAddress::unix_path(dir.path("s"))));
  const OwnedFd client = connected(listener.address);
  const auto accepted = must(accept_connection(listener.socket));
  REQUIRE(accepted.has_value());
  const PeerCredentials peer = must(peer_credentials(accepted->socket));
  CHECK(peer.pid == ::getpid());
  CHECK(peer.uid == ::getuid());
  CHECK(peer.gid == ::getgid());
  std::vector<gid_t> groups(static_cast<std::size_t>(::getgroups(0, nullptr)));
  groups.resize(static_cast<std::size_t>(::getgroups(static_cast<int>(groups.size()), groups.data())));
  CHECK(peer.groups == groups);
}

TEST_CASE("more groups than a first guess holds are all told") {
  if (::geteuid() != 0) return;  // only root may choose groups; the case above covers the rest
  const TempDir dir;
  const Listener listener = listening(must(SocketAddress::unix_path(dir.path("s"))));
  Pair done = pipe_pair();
  const pid_t pid = ::fork();
  REQUIRE(pid != -1);
  if (pid == 0) {
    done.b.reset();  // so that it ends with us, whatever happens
    std::vector<gid_t> many;
    for (gid_t group = 1000; group < 1100; ++group) many.push_back(group);
    const bool set = ::setgroups(many.size(), many.data()) == 0;
    const OwnedFd socket{adopt, ::socket(AF_UNIX, SOCK_STREAM, 0)};
    if (set) (void)connect_to(socket, listener.address);
    char end = 0;
    (void)!::read(done.a.get(), &end, 1);
    ::_exit(0);
  }
  REQUIRE(wait_readable(listener.socket));
  const auto accepted = must(accept_connection(listener.socket));
  REQUIRE(accepted.has_value());
  const PeerCredentials peer = must(peer_credentials(accepted->socket));
  done.b.reset();
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
  CHECK(peer.pid == pid);
  REQUIRE(peer.groups.size() == 100);
  CHECK(peer.groups.front() == 1000);
  CHECK(peer.groups.back() == 1099);
}

}  // namespace liveswap::os
