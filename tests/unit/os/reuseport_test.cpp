// Goal: the member that is named gets what is new, and the numbers of members are what the header says.
#include "os/reuseport.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "sockets.hpp"

namespace liveswap::os {
using namespace test;

namespace {

OwnedFd member_at(const SocketAddress& address, int type = SOCK_STREAM) {
  OwnedFd socket = must(open_socket(address.family(), type | SOCK_NONBLOCK));
  must(set_option(socket, option::kReusePort, 1));
  must(bind_socket(socket, address));
  if (type == SOCK_STREAM) must(listen_on(socket, 64));
  return socket;
}

// So many members, the first of which has chosen the port.
struct Group {
  std::vector<OwnedFd> members;
  SocketAddress address;

  Group(const SocketAddress& wanted, std::size_t count, int type = SOCK_STREAM) {
    members.push_back(member_at(wanted, type));
    address = must(local_address(members.front()));
    while (members.size() < count) members.push_back(member_at(address, type));
  }

  void select(std::vector<MemberShare> shares) const { must(select_members(members.front(), shares)); }

  // How many of `clients` connections each member got.
  std::vector<int> reached(int clients) const {
    std::vector<OwnedFd> connections;
    for (int i = 0; i < clients; ++i) connections.push_back(connected(address));
    std::vector<int> counts;
    for (const OwnedFd& member : members) {
      int count = 0;
      while (member && must(accept_connection(member))) ++count;
      counts.push_back(count);
    }
    return counts;
  }
};

}  // namespace

TEST_CASE("one member gets all new connections, and then another one") {
  for (const SocketAddress& loopback : loopbacks()) {
    const Group group(loopback, 3);
    group.select({{1}});
    CHECK(group.reached(20) == std::vector{0, 20, 0});
    group.select({{2}});
    CHECK(group.reached(20) == std::vector{0, 0, 20});
    group.select({{1}});
    CHECK(group.reached(20) == std::vector{0, 20, 0});
  }
}

TEST_CASE("several members get their shares") {
  const Group group(loopback(), 4);
  group.select({{1, 1}, {2, 3}});
  int first = 0, second = 0;
  for (int round = 0; round < 10; ++round) {
    const auto counts = group.reached(40);
    CHECK(counts[0] + counts[3] == 0);
    first += counts[1];
    second += counts[2];
  }
  CHECK(first > 50);  // 100 of 400; that it is off by as much has a chance of one in a hundred million
  CHECK(first < 160);
  CHECK(first + second == 400);
}

TEST_CASE("a program may name hundreds of members") {
  const Group group(loopback(), 2);
  std::vector<MemberShare> shares(600, MemberShare{1, 1});
  group.select(shares);
  CHECK(group.reached(10) == std::vector{0, 10});
  CHECK(select_members(group.members.front(), {}).error().code == EINVAL);
}

TEST_CASE("the last member takes the number of one that leaves") {
  for (const bool by_shutdown : {false, true}) {
    Group group(loopback(), 4);
    group.select({{1}});
    if (by_shutdown) {
      REQUIRE(::shutdown(group.members[1].get(), SHUT_RDWR) == 0);
    }
    group.members[1].reset();
    CHECK(group.reached(10) == std::vector{0, 0, 0, 10});
    group.members[1] = member_at(group.address);  // joins as number 3
    group.select({{3}});
    CHECK(group.reached(10) == std::vector{0, 10, 0, 0});
  }
}

TEST_CASE("datagrams are steered, too") {
  const Group group(loopback(), 3, SOCK_DGRAM);
  for (const std::uint32_t chosen : {2U, 1U}) {
    group.select({{chosen}});
    const OwnedFd sender = connected(group.address, SOCK_DGRAM);
    REQUIRE(::send(sender.get(), "x", 1, 0) == 1);
    for (std::uint32_t number = 0; number < 3; ++number) {
      std::array<char, 4> buffer{};
      CHECK(::recv(group.members[number].get(), buffer.data(), buffer.size(), MSG_DONTWAIT) ==
            (number == chosen ? 1 : -1));
    }
  }
}

TEST_CASE("an address that was taken as if alone can be shared later, and an unreachable member answers nobody") {
  for (const SocketAddress& wanted : loopbacks()) {
    OwnedFd anchor = must(open_socket(wanted.family(), SOCK_STREAM));
    must(make_unreachable(anchor));
    must(bind_socket(anchor, wanted));
    const SocketAddress address = must(local_address(anchor));
    const OwnedFd other = must(open_socket(wanted.family(), SOCK_STREAM));
    must(set_option(other, option::kReusePort, 1));
    CHECK(bind_socket(other, address).error().code == EADDRINUSE);
    must(set_option(anchor, option::kReusePort, 1));
    must(listen_on(anchor, 16));
    const OwnedFd side = member_at(address);
    must(select_members(anchor, std::array{MemberShare{0}}));
    const OwnedFd client = must(open_socket(wanted.family(), SOCK_STREAM | SOCK_NONBLOCK));
    CHECK(connect_to(client, address).error().code == EINPROGRESS);
    must(select_members(anchor, std::array{MemberShare{1}}));
    pollfd asked{client.get(), POLLOUT, 0};
    REQUIRE(::poll(&asked, 1, 10'000) == 1);  // it tries again after a second
    CHECK(must(accept_connection(side)).has_value());
  }
}

TEST_CASE("an unreachable datagram socket takes nothing in") {
  const Listener listener = bound(loopback(), SOCK_DGRAM);
  must(make_unreachable(listener.socket));
  const OwnedFd sender = connected(listener.address, SOCK_DGRAM);
  REQUIRE(::send(sender.get(), "x", 1, 0) == 1);
  std::array<char, 4> buffer{};
  CHECK(::recv(listener.socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) == -1);
}

}  // namespace liveswap::os
