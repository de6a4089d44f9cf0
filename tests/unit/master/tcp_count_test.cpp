// Goal: the TCP connections of a listener are found by their inodes alone, nothing else is taken for one, and what is
// known is not searched for again. Method: connections over loopback, both ends of which this process has.
#include "master/tcp_count.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "../os/sockets.hpp"

namespace liveswap::master {
namespace {

using namespace os::test;

std::uint64_t inode_of(os::FdRef fd) {
  struct stat info {};
  REQUIRE(::fstat(fd.get(), &info) == 0);
  return info.st_ino;
}

struct Connection {
  os::OwnedFd client, server;
};

Connection connection(const Listener& listener, const os::SocketAddress& address) {
  Connection made{.client = connected(address), .server = {}};
  auto accepted = must(os::accept_connection(listener.socket));
  REQUIRE(accepted);
  made.server = std::move(accepted->socket);
  return made;
}

void reset(os::OwnedFd& socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  socket.reset();
}

struct Counts {
  std::shared_ptr<KnownSockets> known = std::make_shared<KnownSockets>();
  std::vector<os::SocketAddress> listeners;

  // Those that were found among these sockets: the number under which each was added, and what is known of it.
  std::map<int, os::ConnectionFacts> count(const std::vector<os::FdRef>& sockets) {
    TcpCount count(known, listeners);
    for (std::size_t i = 0; i < sockets.size(); ++i) count.add(inode_of(sockets[i]), {0, static_cast<int>(i)});
    std::map<int, os::ConnectionFacts> found;
    const auto take = [&](const SocketHolder& holder, const os::ConnectionFacts& facts) {
      CHECK(found.emplace(holder.number, facts).second);
    };
    while (!must(count.step(take))) {
    }
    CHECK(count.unknown().size() <= sockets.size());
    return found;
  }
};

TEST_CASE("what was accepted is found with all that its own descriptor tells; a client's end and a listener are not") {
  for (const os::SocketAddress& address : loopbacks()) {
    CAPTURE(address.text());
    const Listener listener = listening(address);
    const Connection one = connection(listener, listener.address), two = connection(listener, listener.address);
    Counts counts{.listeners = {listener.address}};
    for (int again = 0; again < 4; ++again) {
      const auto found = counts.count({one.client, one.server, listener.socket, two.server});
      REQUIRE(found.size() == 2);
      REQUIRE(found.contains(1));
      const auto direct = must(os::connection_facts(one.server));
      CHECK(found.at(1).cookie == direct->cookie);
      CHECK(found.at(1).peer == direct->peer);
      CHECK(found.at(1).state_name() == "established");
      CHECK(found.at(3).cookie == must(os::connection_facts(two.server))->cookie);
    }
    CHECK(counts.known->at(inode_of(one.server)).name.has_value());
    CHECK(counts.known->at(inode_of(one.client)).is_other());
  }
}

TEST_CASE("an IPv4 client of a listener for both families is found") {
  const auto any = must(os::SocketAddress::ipv6("::", 0));
  const auto probe = os::open_socket(AF_INET6, SOCK_STREAM);
  if (!probe || !os::bind_socket(*probe, any)) return;
  const Listener listener = listening(any);
  const Connection made = connection(listener, must(os::SocketAddress::ipv4("127.0.0.1", listener.address.port())));
  Counts counts{.listeners = {listener.address}};
  CHECK(counts.count({made.server}).size() == 1);
}

TEST_CASE("what is of another listener with the same port is not taken") {
  const Listener listener = listening(loopback());
  const auto elsewhere = must(os::SocketAddress::ipv4("127.0.0.2", listener.address.port()));
  const Listener other = listening(elsewhere);
  const Connection its = connection(other, elsewhere), ours = connection(listener, listener.address);
  Counts counts{.listeners = {listener.address}};
  const auto found = counts.count({its.server, ours.server});
  REQUIRE(found.size() == 1);
  CHECK(found.contains(1));
}

TEST_CASE("half closed ones count; those that were reset do not, and one that is closed is forgotten") {
  const Listener listener = listening(loopback());
  Connection made = connection(listener, listener.address), gone = connection(listener, listener.address);
  Counts counts{.listeners = {listener.address}};
  CHECK(counts.count({made.server, gone.server}).size() == 2);
  REQUIRE(::shutdown(made.client.get(), SHUT_WR) == 0);
  reset(gone.client);
  const auto found = counts.count({made.server, gone.server});
  REQUIRE(found.size() == 1);
  CHECK(found.at(0).state_name() == "close_wait");
  CHECK(counts.count({made.server, gone.server}).size() == 1);
  CHECK(counts.known->at(inode_of(gone.server)).is_other());
  CHECK(counts.count({gone.server}).empty());
  CHECK(counts.known->size() == 1);
  CHECK(counts.count({}).empty());
  CHECK(counts.known->empty());
}

TEST_CASE("a connection that comes is found beside those that are known") {
  const Listener listener = listening(loopback());
  std::vector<Connection> connections;
  std::vector<os::FdRef> sockets;
  Counts counts{.listeners = {listener.address}};
  for (std::size_t so_many = 1; so_many <= 300; ++so_many) {
    connections.push_back(connection(listener, listener.address));
    sockets.push_back(connections.back().server);
    if (so_many % 100 == 1) CHECK(counts.count(sockets).size() == so_many);
  }
  CHECK(counts.count(sockets).size() == 300);
}

TEST_CASE("a count goes on where another one of the same worker has begun and ended meanwhile") {
  const Listener listener = listening(loopback());
  Connection one = connection(listener, listener.address), two = connection(listener, listener.address);
  Counts counts{.listeners = {listener.address}};
  CHECK(counts.count({one.server, two.server}).size() == 2);
  TcpCount slow(counts.known, counts.listeners);
  slow.add(inode_of(one.server), {0, 0});
  slow.add(inode_of(two.server), {0, 1});
  std::size_t found = 0;
  const auto take = [&](const SocketHolder&, const os::ConnectionFacts&) { ++found; };
  CHECK_FALSE(must(slow.step(take)));
  CHECK(counts.count({}).empty());
  while (!must(slow.step(take))) {
  }
  CHECK(found == 1);
}

TEST_CASE("without listeners that TCP can come from there is nothing to be found") {
  const Listener listener = listening(loopback());
  const Connection made = connection(listener, listener.address);
  Counts counts;
  CHECK(counts.count({made.server}).empty());
}

}  // namespace
}  // namespace liveswap::master
