#include "os/scm.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include "helpers.hpp"

namespace liveswap::os {
using namespace test;

namespace {

ReceivedPacket receive(FdRef socket, std::size_t max_fds = kMaxPacketFds) {
  auto packet = must(receive_packet(socket, 4096, max_fds, MSG_DONTWAIT));
  REQUIRE(packet.has_value());
  return std::move(*packet);
}

void send(FdRef socket, std::string_view payload, std::span<const FdRef> fds = {}) {
  REQUIRE(must(send_packet(socket, bytes(payload), fds, MSG_DONTWAIT)) == SendOutcome::sent);
}

bool same_file(FdRef left, FdRef right) {
  struct stat a {
  }, b{};
  return ::fstat(left.get(), &a) == 0 && ::fstat(right.get(), &b) == 0 && a.st_ino == b.st_ino &&
         a.st_dev == b.st_dev;
}

}  // namespace

TEST_CASE("a packet arrives whole, with its descriptors in order and close-on-exec") {
  const Pair channel = socket_pair(SOCK_SEQPACKET);
  const Pair first = pipe_pair();
  const Pair second = pipe_pair();
  const FdRef passed[] = {second.a, first.b};
  send(channel.a, "one", passed);
  send(channel.a, "two");

  const ReceivedPacket one = receive(channel.b);
  CHECK(text(one.payload) == "one");
  REQUIRE(one.fds.size() == 2);
  CHECK(same_file(one.fds[0], second.a));
  CHECK(same_file(one.fds[1], first.b));
  CHECK(must(is_cloexec(one.fds[0])));
  CHECK(must(is_cloexec(one.fds[1])));
  CHECK(!one.truncated);
  CHECK(!one.eof);
  CHECK(!one.credentials);

  const ReceivedPacket two = receive(channel.b);
  CHECK(text(two.payload) == "two");
  CHECK(two.fds.empty());
}

TEST_CASE("253 descriptors ride on one packet, and none of them leaks") {
  const std::size_t before = count_own_fds();
  {
    const Pair channel = socket_pair(SOCK_SEQPACKET);
    const std::vector<FdRef> passed(kMaxPacketFds, FdRef{channel.a});
    send(channel.a, "all", passed);
    CHECK(receive(channel.b).fds.size() == kMaxPacketFds);
    CHECK(count_own_fds() == before + 2);
  }
  CHECK(count_own_fds() == before);
}

TEST_CASE("254 descriptors are refused before the kernel sees them") {
  const Pair channel = socket_pair(SOCK_SEQPACKET);
  const std::vector<FdRef> passed(kMaxPacketFds + 1, FdRef{channel.a});
  CHECK(error_of(send_packet(channel.a, bytes("x"), passed)) == "sendmsg(254 descriptors): Invalid argument");
}

TEST_CASE("more descriptors than asked for close all and mark the packet truncated") {
  const Pair channel = socket_pair(SOCK_SEQPACKET);
  for (const std::size_t asked : {0U, 1U, 2U, 7U}) {
    for (const std::size_t sent : {asked + 1, asked + 2, asked + 9}) {
      CAPTURE(asked);
      CAPTURE(sent);
      const std::size_t before = count_own_fds();
      send(channel.a, "many", std::vector<FdRef>(sent, FdRef{channel.a}));
      const ReceivedPacket packet = receive(channel.b, asked);
      CHECK(packet.truncated);
      CHECK(packet.fds.empty());
      CHECK(count_own_fds() == before);
    }
  }
}

TEST_CASE("as many descriptors as asked for are not truncated") {
  const Pair channel = socket_pair(SOCK_SEQPACKET);
  for (const std::size_t count : {1U, 2U, 3U, 8U}) {
    send(channel.a, "exact", std::vector<FdRef>(count, FdRef{channel.a}));
    const ReceivedPacket packet = receive(channel.b, count);
    CHECK(!packet.truncated);
    CHECK(packet.fds.size() == count);
  }
}

TEST_CASE("a receiver that may open no more descriptors gets a truncated packet and keeps none") {
  const Pair channel = socket_pair(SOCK_SEQPACKET);
  send(channel.a, "full", std::vector<FdRef>(8, FdRef{channel.a}));
  const std::size_t before = count_own_fds();
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &old) == 0);
  rlimit few = old;
  const OwnedFd next_free = must(dup_cloexec(channel.a));
  few.rlim_cur = static_cast<rlim_t>(next_free.get()) + 4;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto packet = receive_packet(channel.b, 64, kMaxPacketFds, MSG_DONTWAIT);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &old) == 0);
  REQUIRE(packet.has_value());
  REQUIRE(packet->has_value());
  CHECK((*packet)->truncated);
  CHECK((*packet)->fds.empty());
  CHECK(count_own_fds() == before + 1);
}

TEST_CASE("a payload longer than asked for is truncated and its descriptors are closed") {
  const Pair channel = socket_pair(SOCK_SEQPACKET);
  const FdRef passed[] = {channel.a};
  send(channel.a, "0123456789", passed);
  const std::size_t before = count_own_fds();
  const auto packet = must(receive_packet(channel.b, 4, 1, MSG_DONTWAIT));
  REQUIRE(packet.has_value());
  CHECK(packet->truncated);
  CHECK(text(packet->payload) == "0123");
  CHECK(packet->fds.empty());
  CHECK(count_own_fds() == before);
}

TEST_CASE("nothing to read is nullopt, a full buffer is would_block") {
  const Pair channel = socket_pair(SOCK_SEQPACKET | SOCK_NONBLOCK);
  CHECK(!must(receive_packet(channel.b, 64, 0)).has_value());
  const std::vector<std::byte> block(32 * 1024);
  int sent = 0;
  while (must(send_packet(channel.a, block)) == SendOutcome::sent) REQUIRE(++sent < 1000);
  CHECK(sent > 0);
}

TEST_CASE("an empty packet is not the end, and the end comes after all packets") {
  Pair channel = socket_pair(SOCK_SEQPACKET);
  send(channel.a, "");
  CHECK(!receive(channel.b).eof);  // the peer is still there

  send(channel.a, "");
  send(channel.a, "last");
  channel.a.reset();
  const ReceivedPacket empty = receive(channel.b);
  CHECK(empty.payload.empty());
  CHECK(!empty.eof);
  CHECK(text(receive(channel.b).payload) == "last");
  CHECK(receive(channel.b).eof);
  CHECK(receive(channel.b).eof);
}

TEST_CASE("what a peer sent before it closed with unread data is still delivered") {
  Pair channel = socket_pair(SOCK_SEQPACKET);
  send(channel.b, "never read");
  const FdRef passed[] = {channel.b};
  send(channel.a, "goodbye", passed);
  channel.a.reset();
  const ReceivedPacket packet = receive(channel.b);
  CHECK(text(packet.payload) == "goodbye");
  CHECK(packet.fds.size() == 1);
  CHECK(receive(channel.b).eof);
}

TEST_CASE("sending to a peer that is gone is an error and raises no SIGPIPE") {
  Pair channel = socket_pair(SOCK_SEQPACKET);
  channel.b.reset();
  const auto outcome = send_packet(channel.a, bytes("x"));
  REQUIRE(!outcome.has_value());
  CHECK(outcome.error().code == EPIPE);
}

TEST_CASE("datagrams carry the sender's credentials beside all their descriptors") {
  const Pair channel = socket_pair(SOCK_DGRAM);
  must(receive_credentials(channel.b));
  send(channel.a, "READY=1", std::vector<FdRef>(kMaxPacketFds, FdRef{channel.a}));
  const ReceivedPacket packet = receive(channel.b);
  CHECK(text(packet.payload) == "READY=1");
  CHECK(!packet.truncated);
  CHECK(packet.fds.size() == kMaxPacketFds);
  REQUIRE(packet.credentials.has_value());
  CHECK(packet.credentials->pid == ::getpid());
  CHECK(packet.credentials->uid == ::getuid());
  CHECK(packet.credentials->gid == ::getgid());
}

TEST_CASE("an empty datagram is never the end") {
  Pair channel = socket_pair(SOCK_DGRAM);
  send(channel.a, "");
  channel.a.reset();
  const ReceivedPacket packet = receive(channel.b);
  CHECK(packet.payload.empty());
  CHECK(!packet.eof);
}

TEST_CASE("with credentials, too, the end is the end, and an empty packet is none") {
  for (const int type : {SOCK_SEQPACKET, SOCK_STREAM}) {
    Pair channel = socket_pair(type);
    must(receive_credentials(channel.b));
    if (type == SOCK_SEQPACKET) send(channel.a, "");
    channel.a.reset();
    if (type == SOCK_SEQPACKET) CHECK(!receive(channel.b).eof);
    CHECK(receive(channel.b).eof);
  }
}

}  // namespace liveswap::os
