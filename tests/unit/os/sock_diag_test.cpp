#include "os/sock_diag.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "sockets.hpp"

namespace liveswap::os {
using namespace test;

namespace {

std::uint32_t inode_of(FdRef fd) {
  struct stat info {};
  REQUIRE(::fstat(fd.get(), &info) == 0);
  return static_cast<std::uint32_t>(info.st_ino);
}

template <class Sockets>
auto find(const Sockets& sockets, std::uint32_t inode) {
  return std::ranges::find_if(sockets, [&](const auto& socket) { return socket.inode == inode; });
}

}  // namespace

TEST_CASE("listening TCP sockets and bound UDP sockets are listed with address, inode and owner") {
  for (const SocketAddress& address : loopbacks()) {
    const int family = address.family();
    CAPTURE(address.text());
    const Listener tcp = listening(address);
    const auto tcp_sockets = must(list_inet_sockets(family, SOCK_STREAM));
    const auto found = find(tcp_sockets, inode_of(tcp.socket));
    REQUIRE(found != tcp_sockets.end());
    CHECK(found->local == tcp.address);
    CHECK(found->uid == ::getuid());

    const Listener udp = bound(address, SOCK_DGRAM);
    const auto udp_sockets = must(list_inet_sockets(family, SOCK_DGRAM));
    const auto bound_udp = find(udp_sockets, inode_of(udp.socket));
    REQUIRE(bound_udp != udp_sockets.end());
    CHECK(bound_udp->local == udp.address);
  }
}

TEST_CASE("the other end of a connection is found, with its owner, as long as it is open") {
  for (const SocketAddress& address : loopbacks()) {
    CAPTURE(address.text());
    const Listener listener = listening(address);
    OwnedFd client = connected(listener.address);
    const OwnedFd other = connected(listener.address);
    const SocketAddress end = must(local_address(client));
    const auto found = must(find_tcp_socket(end, listener.address));
    CHECK(found.inode == inode_of(client));
    CHECK(found.uid == ::getuid());
    CHECK(found.established);
    REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
    CHECK_FALSE(must(find_tcp_socket(end, listener.address)).established);
    client.reset();
    const auto closed = find_tcp_socket(end, listener.address);
    CHECK((!closed || (!closed->established && closed->inode == 0)));
  }
}

TEST_CASE("where there is no such connection nothing is found, and no listener is taken for one") {
  const Listener listener = listening(loopback());
  const auto found = find_tcp_socket(listener.address, must(SocketAddress::ipv4("127.0.0.1", 1)));
  REQUIRE_FALSE(found);
  CHECK(found.error().code == ENOENT);
}

TEST_CASE("those of one port are listed by themselves") {
  const Listener one = listening(loopback()), other = listening(loopback());
  const auto sockets = must(list_inet_sockets(AF_INET, SOCK_STREAM, one.address.port()));
  CHECK(find(sockets, inode_of(one.socket)) != sockets.end());
  CHECK(find(sockets, inode_of(other.socket)) == sockets.end());
  const Listener udp = bound(loopback(), SOCK_DGRAM), second = bound(loopback(), SOCK_DGRAM);
  const auto bound_sockets = must(list_inet_sockets(AF_INET, SOCK_DGRAM, udp.address.port()));
  CHECK(find(bound_sockets, inode_of(udp.socket)) != bound_sockets.end());
  CHECK(find(bound_sockets, inode_of(second.socket)) == bound_sockets.end());
}

TEST_CASE("a connection is not listed") {
  const Listener listener = listening(loopback());
  const OwnedFd client = connected(listener.address);
  const auto sockets = must(list_inet_sockets(AF_INET, SOCK_STREAM));
  CHECK(find(sockets, inode_of(client)) == sockets.end());
}

TEST_CASE("unix sockets are listed by name, and found by inode") {
  const TempDir dir;
  const Listener path = listening(must(SocketAddress::unix_path(dir.path("s"))), SOCK_STREAM, 5);
  const Listener abstract =
      bound(must(SocketAddress::unix_abstract("liveswap-diag-" + std::to_string(::getpid()))), SOCK_DGRAM);
  const auto sockets = must(list_unix_sockets());
  for (const Listener* listener : {&path, &abstract}) {
    const auto found = find(sockets, inode_of(listener->socket));
    REQUIRE(found != sockets.end());
    CHECK(found->name == listener->address.text());
    CHECK(must(find_unix_socket(inode_of(listener->socket))).name == listener->address.text());
  }
  CHECK(must(find_unix_socket(inode_of(path.socket))).send_queue == 5);
}

TEST_CASE("a list longer than one netlink message is complete") {
  std::vector<Pair> pairs;
  for (int i = 0; i < 400; ++i) pairs.push_back(socket_pair(SOCK_STREAM));
  const auto sockets = must(list_unix_sockets());
  for (const Pair& pair : pairs) REQUIRE(find(sockets, inode_of(pair.b)) != sockets.end());
}

TEST_CASE("an inode that is no unix socket's is an error") {
  const Pair pipe = pipe_pair();
  CHECK(error_of(find_unix_socket(inode_of(pipe.a))) == "sock_diag: No such file or directory");
}

}  // namespace liveswap::os
