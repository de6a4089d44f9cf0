// Node's cluster messages as Node 20 sends them, and what liars make of them.
#include "wire/node_ipc.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>

namespace liveswap::wire::node {
namespace {

ServerQuery query_of(std::string_view line) {
  const Message message = decode(line);
  const auto* asked = std::get_if<QueryServer>(&message);
  REQUIRE(asked != nullptr);
  return asked->query;
}

std::string_view reason_of(std::string_view line) {
  const Message message = decode(line);
  const auto* malformed = std::get_if<Malformed>(&message);
  return malformed == nullptr ? "none" : malformed->reason;
}

TEST_CASE("node: what a worker says") {
  CHECK(decode(R"({"cmd":"NODE_CLUSTER","act":"online","seq":0})") == Message{Online{}});
  CHECK(decode(R"({"cmd":"NODE_CLUSTER","act":"close","key":"tcp::80:0","seq":4})") == Message{Close{"tcp::80:0"}});
  CHECK(decode(R"({"cmd":"NODE_CLUSTER","act":"exitedAfterDisconnect","seq":7})") ==
        Message{ExitedAfterDisconnect{7}});
  CHECK(decode(R"({"cmd":"NODE_HANDLE_ACK"})") == Message{HandleReceived{true}});
  CHECK(decode(R"({"cmd":"NODE_HANDLE_NACK"})") == Message{HandleReceived{false}});
  CHECK(decode(R"({"cmd":"NODE_CLUSTER","act":"suicide"})") == Message{Other{}});
  CHECK(decode(R"({"cmd":"NODE_SOMETHING"})") == Message{Other{}});
}

TEST_CASE("node: a program's own messages are told from Node's") {
  CHECK(decode(R"("ready")") == Message{OwnMessage{"ready", true}});
  CHECK(decode(R"({"cmd":"ready"})") == Message{OwnMessage{"ready", false}});
  CHECK(decode(R"({"hello":1})") == Message{OwnMessage{}});
  CHECK(decode("[1,2]") == Message{OwnMessage{}});
  CHECK(decode("null") == Message{OwnMessage{}});
  CHECK(decode(R"({"cmd":17})") == Message{OwnMessage{}});
}

TEST_CASE("node: each kind of server that a worker can ask for") {
  const ServerQuery any = query_of(
      R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":0,"data":null,"address":null,"port":8080,)"
      R"("addressType":4,"flags":0,"backlog":0,"seq":1})");
  CHECK(any == ServerQuery{.seq = 1, .kind = AddressKind::tcp, .port = 8080});
  const ServerQuery ipv6 = query_of(
      R"({"cmd":"NODE_CLUSTER","act":"queryServer","index":2,"address":"::1","port":0,"addressType":6,"flags":1,)"
      R"("data":{"ticketKeys":"00"},"seq":9})");
  CHECK(ipv6 == ServerQuery{.seq = 9,
                            .kind = AddressKind::tcp,
                            .address = "::1",
                            .v6only = true,
                            .index = 2,
                            .data = R"({"ticketKeys":"00"})"});
  const ServerQuery path = query_of(
      R"({"cmd":"NODE_CLUSTER","act":"queryServer","address":"/run/x.sock","port":-1,"addressType":-1,"seq":2})");
  CHECK(path == ServerQuery{.seq = 2, .kind = AddressKind::pipe, .address = "/run/x.sock"});
  const ServerQuery number = query_of(
      R"({"cmd":"NODE_CLUSTER","act":"queryServer","address":null,"port":null,"addressType":null,"fd":3,"seq":3})");
  CHECK(number == ServerQuery{.seq = 3, .kind = AddressKind::descriptor, .descriptor = 3});
  const ServerQuery datagrams = query_of(
      R"({"cmd":"NODE_CLUSTER","act":"queryServer","address":"127.0.0.1","port":53,"addressType":"udp4","fd":-1,)"
      R"("seq":4})");
  CHECK(query_of(R"({"cmd":"NODE_CLUSTER","act":"queryServer","addressType":"udp6","port":"53","seq":5})").port == 53);
  CHECK(datagrams ==
        ServerQuery{.seq = 4, .kind = AddressKind::udp4, .address = "127.0.0.1", .port = 53});
}

TEST_CASE("node: a query that cannot be meant is malformed") {
  const auto query = [](std::string_view rest) {
    return R"({"cmd":"NODE_CLUSTER","act":"queryServer",)" + std::string(rest) + "}";
  };
  CHECK(reason_of(query(R"("addressType":4,"port":65536)")) == "the query has no port");
  CHECK(reason_of(query(R"("addressType":4,"port":-1)")) == "the query has no port");
  CHECK(reason_of(query(R"("addressType":4,"port":1.5)")) == "a number of the query is none");
  CHECK(reason_of(query(R"("addressType":4,"port":18446744073709551615)")) == "a number of the query is none");
  CHECK(reason_of(query(R"("addressType":5,"port":80)")) == "the query has no kind of address that is known");
  CHECK(reason_of(query(R"("addressType":"tcp","port":80)")) == "the query has no kind of address that is known");
  CHECK(reason_of(query(R"("fd":4294967299)")) == "a number of the query is too large");
  CHECK(reason_of(query(R"("addressType":-1,"port":-1)")) == "the query has no path");
  CHECK(reason_of(query(R"("addressType":4,"port":"80x")")) == "a number of the query is none");
  CHECK(reason_of("{") == "not JSON");
  CHECK(decode(query(R"("addressType":9,"seq":7)")) ==
        Message{Malformed{"the query has no kind of address that is known", 7}});
}

TEST_CASE("node: an address that no kernel takes is not kept, whatever kind it is of") {
  const auto query = [](std::string_view kind, std::size_t length) {
    return R"({"cmd":"NODE_CLUSTER","act":"queryServer",)" + std::string(kind) + R"(,"port":80,"address":")" +
           std::string(length, 'x') + "\"}";
  };
  for (const char* kind : {R"("addressType":4)", R"("addressType":-1)", R"("addressType":"udp4")", R"("fd":3)"}) {
    CHECK(reason_of(query(kind, kAddressMax)) == "none");
    CHECK(reason_of(query(kind, kAddressMax + 1)) == "the address of the query is too long");
  }
}

TEST_CASE("node: data that is too long is left out") {
  const std::string data(kDataMax, 'x');
  CHECK(query_of(R"({"cmd":"NODE_CLUSTER","act":"queryServer","addressType":4,"port":1,"data":")" + data + "\"}")
            .data == "");
}

TEST_CASE("node: keys tell servers apart by all that they accept on") {
  const ServerQuery one{.kind = AddressKind::tcp, .address = "::", .port = 80};
  CHECK(key_of(one) == "tcp::::80:0");
  ServerQuery other = one;
  other.seq = 17;
  other.data = "1";
  CHECK(key_of(other) == key_of(one));
  other.v6only = true;
  CHECK(key_of(other) == "tcp::::80:v6only:0");
  other.index = 1;
  CHECK(key_of(other) == "tcp::::80:v6only:1");
  CHECK(key_of({.kind = AddressKind::descriptor, .descriptor = 4}) == "fd::4:0");
  CHECK(key_of({.kind = AddressKind::pipe, .address = "/x"}) == "pipe:/x:0:0");
}

TEST_CASE("node: what a primary says") {
  const ServerQuery query{.seq = 5, .kind = AddressKind::tcp, .address = "::1", .port = 80};
  CHECK(server_granted(query, R"({"a":1})", 2) ==
        R"({"cmd":"NODE_HANDLE","type":"net.Native","msg":{"cmd":"NODE_CLUSTER","seq":2,"errno":0,)"
        R"("key":"tcp:::1:80:0","ack":5,"data":{"a":1}}})"
        "\n");
  const ServerQuery datagrams{.seq = 6, .kind = AddressKind::udp6, .address = "::1", .port = 53};
  CHECK(server_granted(datagrams, "", 3) ==
        R"({"cmd":"NODE_HANDLE","type":"dgram.Native","msg":{"cmd":"NODE_CLUSTER","seq":3,"errno":0,)"
        R"("key":"udp6:::1:53:0","ack":6,"data":null}})"
        "\n");
  CHECK(server_refused(query, EADDRINUSE, 4) ==
        R"({"cmd":"NODE_CLUSTER","seq":4,"errno":-98,"key":"tcp:::1:80:0","ack":5,"data":null})"
        "\n");
  CHECK(acknowledged(7, 5) == R"({"cmd":"NODE_CLUSTER","seq":5,"ack":7})"
                              "\n");
  CHECK(disconnect(6) == R"({"cmd":"NODE_CLUSTER","seq":6,"act":"disconnect"})"
                         "\n");
  CHECK(own_message("say \"hi\"\n") == "\"say \\\"hi\\\"\\n\"\n");
}

}  // namespace
}  // namespace liveswap::wire::node
