// Goal: of a connection the right things are told: whose it is, its state, how old it is at least, whether it is idle.
// Method: real connections of every kind, on loopback.
#include "os/connection_facts.hpp"

#include <netinet/in.h>
#include <sys/un.h>

#include <chrono>

#include "processes.hpp"
#include "sockets.hpp"

namespace liveswap::os {
namespace {

using namespace std::chrono_literals;
using namespace test;

struct Connection {
  Listener listener;
  OwnedFd client;
  OwnedFd server;
};

Connection connection(const SocketAddress& address, int type = SOCK_STREAM) {
  Connection made{.listener = listening(address, type), .client = {}, .server = {}};
  made.client = connected(made.listener.address, type);
  auto accepted = must(accept_connection(made.listener.socket));
  REQUIRE(accepted);
  made.server = std::move(accepted->socket);
  return made;
}

ConnectionFacts facts_of(FdRef socket) {
  const auto facts = must(connection_facts(socket));
  REQUIRE(facts);
  return *facts;
}

void send_text(FdRef socket, std::string_view text) {
  REQUIRE(::send(socket.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
}

void receive_text(FdRef socket, std::size_t size) {
  REQUIRE(wait_readable(socket));
  std::string text(size, '\0');
  REQUIRE(::recv(socket.get(), text.data(), size, MSG_WAITALL) == static_cast<ssize_t>(size));
}

bool is_from(FdRef socket, const Listener& listener) {
  return accepted_from(must(local_address(socket)), must(local_address(listener.socket)));
}

TEST_CASE("a TCP connection: its peer, its state, what went each way") {
  for (const SocketAddress& address : loopbacks()) {
    const Connection made = connection(address);
    send_text(made.client, "question");
    receive_text(made.server, 8);
    send_text(made.server, "hm");
    receive_text(made.client, 2);
    const ConnectionFacts facts = facts_of(made.server);
    CHECK_FALSE(facts.is_unix);
    CHECK(facts.state_name() == "established");
    CHECK(facts.peer.text() == must(local_address(made.client)).text());
    REQUIRE(facts.traffic);
    CHECK(facts.traffic->bytes_in == 8);
    CHECK(facts.traffic->bytes_out == 2);
    CHECK(facts.traffic->since_sent < 10s);
    REQUIRE(facts.age);
    CHECK_FALSE(facts.age->exact);
  }
}

TEST_CASE("a connection belongs to the listener that it was accepted from, an outgoing one to none") {
  const TempDir directory;
  std::vector<SocketAddress> addresses = loopbacks();
  addresses.push_back(must(SocketAddress::ipv4("0.0.0.0", 0)));
  addresses.push_back(must(SocketAddress::unix_path(directory.path("x.sock"))));
  addresses.push_back(must(SocketAddress::unix_abstract("liveswap-facts-" + std::to_string(::getpid()))));
  const Listener stranger = listening(loopback());
  for (const SocketAddress& address : addresses) {
    CAPTURE(address.text());
    const bool any = address.is_any_host();
    Connection made{.listener = listening(address), .client = {}, .server = {}};
    const SocketAddress target =
        any ? must(SocketAddress::ipv4("127.0.0.1", made.listener.address.port())) : made.listener.address;
    made.client = connected(target);
    made.server = std::move(must(accept_connection(made.listener.socket))->socket);
    CHECK(is_from(made.server, made.listener));
    CHECK_FALSE(is_from(made.server, stranger));
    CHECK_FALSE(is_from(made.client, made.listener));
  }
}

TEST_CASE("IPv4 clients of a dual-stack listener belong to it, and are shown as IPv4") {
  const Listener listener = listening(must(SocketAddress::ipv6("::", 0)));
  const OwnedFd client = connected(must(SocketAddress::ipv4("127.0.0.1", listener.address.port())));
  const OwnedFd server = std::move(must(accept_connection(listener.socket))->socket);
  CHECK(must(local_address(server)).family() == AF_INET6);
  CHECK(is_from(server, listener));
  CHECK(facts_of(server).peer.text() == must(local_address(client)).text());
  const Listener v4{.socket = {}, .address = must(SocketAddress::ipv4("127.0.0.1", listener.address.port()))};
  CHECK(accepted_from(must(local_address(server)), v4.address));  // as if that one were bound to the address alone
}

TEST_CASE("Unix connections, streams and packets, tell who is at the other end") {
  const TempDir directory;
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    const auto name = directory.path(type == SOCK_STREAM ? "stream" : "packets");
    Connection made = connection(must(SocketAddress::unix_path(name)), type);
    const ConnectionFacts facts = facts_of(made.server);
    CHECK(facts.is_unix);
    CHECK(facts.peer_pid == ::getpid());
    CHECK(facts.state_name() == "established");
    CHECK_FALSE(facts.traffic);
    CHECK_FALSE(facts.age);
    made.client.reset();
    CHECK(facts_of(made.server).state_name() == "close_wait");
  }
}

TEST_CASE("copies of a connection are one connection") {
  const Connection made = connection(loopback());
  const OwnedFd copy = must(dup_cloexec(made.server));
  const Connection other = connection(loopback());
  CHECK(facts_of(copy).cookie == facts_of(made.server).cookie);
  CHECK(facts_of(other.server).cookie != facts_of(made.server).cookie);
}

TEST_CASE("a client's half close leaves a connection, its reset does not") {
  Connection made = connection(loopback());
  REQUIRE(::shutdown(made.client.get(), SHUT_WR) == 0);
  REQUIRE(wait_readable(made.server, POLLRDHUP));
  CHECK(facts_of(made.server).state_name() == "close_wait");
  Connection other = connection(loopback());
  const linger at_once{1, 0};
  REQUIRE(::setsockopt(other.client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
  other.client.reset();
  REQUIRE(wait_readable(other.server));
  CHECK_FALSE(must(connection_facts(other.server)).has_value());
}

TEST_CASE("what is no connection is none") {
  CHECK_FALSE(must(connection_facts(listening(loopback()).socket)).has_value());
  CHECK_FALSE(must(connection_facts(bound(loopback(), SOCK_DGRAM).socket)).has_value());
  CHECK_FALSE(must(connection_facts(must(open_socket(AF_INET, SOCK_STREAM)))).has_value());
  CHECK_FALSE(must(connection_facts(must(open_socket(AF_UNIX, SOCK_STREAM)))).has_value());
  CHECK(error_of(connection_facts(pipe_pair().a)) == "getsockopt(SO_TYPE): Socket operation on non-socket");
}

TEST_CASE("a connection's age is known for as long as one side has not sent anything") {
  const Connection made = connection(loopback());
  CHECK(facts_of(made.server).age->exact);
  send_text(made.client, "question");
  receive_text(made.server, 8);
  CHECK(facts_of(made.server).age->exact);
  send_text(made.server, "answer");
  receive_text(made.client, 6);
  CHECK_FALSE(facts_of(made.server).age->exact);
}

TEST_CASE("what is unread or unsent is noticed") {
  const Connection made = connection(loopback());
  CHECK_FALSE(has_unread_or_unsent(made.server));
  send_text(made.client, "question");
  REQUIRE(wait_readable(made.server));
  CHECK(has_unread_or_unsent(made.server));
  receive_text(made.server, 8);
  CHECK_FALSE(has_unread_or_unsent(made.server));
  REQUIRE(set_nonblock(made.server, true));
  const std::string much(1 << 16, 'x');
  while (::send(made.server.get(), much.data(), much.size(), 0) > 0) {
  }
  CHECK(has_unread_or_unsent(made.server));
}

}  // namespace
}  // namespace liveswap::os
