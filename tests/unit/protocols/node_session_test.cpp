// The conversation of a Node worker with its primary: readiness, order, and descriptors that get lost.
#include "protocols/node_session.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <vector>

namespace liveswap::protocols {
namespace {

using core::ReadyWhen;
using Events = std::vector<WorkerEvent>;
namespace node = wire::node;

constexpr const char* kOnline = R"({"cmd":"NODE_CLUSTER","act":"online","seq":0})"
                                "\n";
constexpr const char* kReceived = R"({"cmd":"NODE_HANDLE_ACK"})"
                                  "\n";
constexpr const char* kLost = R"({"cmd":"NODE_HANDLE_NACK"})"
                              "\n";

std::string says(const char* act, int port, int seq = 1, int real_port = 0) {
  return R"({"cmd":"NODE_CLUSTER","act":")" + std::string(act) +
         R"(","index":0,"data":null,"address":null,"addressType":4,"port":)" +
         std::to_string(real_port == 0 ? port : real_port) + R"(,"seq":)" + std::to_string(seq) + "}\n";
}

bool is_ready_after(NodeSession& session, std::string_view bytes) {
  CHECK(session.receive(bytes).events.empty());
  return session.is_ready();
}

// A worker that has been granted these ports, and has their descriptors.
NodeSession with_servers(ReadyWhen when, const std::vector<int>& ports) {
  NodeSession session(when);
  for (const int port : ports) {
    const NodeHeard heard = session.receive(says("queryServer", port));
    REQUIRE(heard.asked.size() == 1);
    session.grant(heard.asked.front(), "");
    session.sent();
    REQUIRE(session.receive(kReceived).arrived == std::vector{node::key_of(heard.asked.front())});
  }
  return session;
}

TEST_CASE("node session: ready when all servers that were asked for listen") {
  NodeSession session = with_servers(ReadyWhen::notify, {80, 81});
  CHECK(session.receive(kOnline).events.empty());
  CHECK_FALSE(session.is_ready());
  CHECK_FALSE(is_ready_after(session, says("listening", 80)));
  CHECK(is_ready_after(session, says("listening", 81)));
  (void)session.receive(says("queryServer", 82));
  CHECK(session.is_ready());
}

TEST_CASE("node session: a server that is not answered yet holds readiness back, one that was refused does not") {
  NodeSession session = with_servers(ReadyWhen::notify, {80});
  const auto asked = session.receive(says("queryServer", 81)).asked;
  CHECK_FALSE(is_ready_after(session, says("listening", 80)));
  session.refuse(asked.front(), EADDRINUSE);
  CHECK(session.is_ready());
  REQUIRE(session.outgoing() != nullptr);
  CHECK(session.outgoing()->text == node::server_refused(asked.front(), EADDRINUSE, 1));
  CHECK(session.outgoing()->key.empty());
  NodeSession other = with_servers(ReadyWhen::notify, {80});
  other.refuse(other.receive(says("queryServer", 81)).asked.front(), EADDRINUSE);
  CHECK_FALSE(other.is_ready());
  CHECK(is_ready_after(other, says("listening", 80)));
}

TEST_CASE("node session: a port that the kernel chose is listened on as another than was asked for") {
  NodeSession session = with_servers(ReadyWhen::notify, {0});
  CHECK(is_ready_after(session, says("listening", 0, 2, 43210)));
}

TEST_CASE("node session: a server that binds by itself makes nobody ready") {
  NodeSession session(ReadyWhen::notify);
  CHECK_FALSE(is_ready_after(session, says("listening", 80)));
}

TEST_CASE("node session: ready by a message, in the three forms that programs use") {
  for (const char* said : {"\"ready\"\n", "\"online\"\n", "{\"cmd\":\"ready\"}\n"}) {
    NodeSession by_message(ReadyWhen::message);
    CHECK(is_ready_after(by_message, said));
    NodeSession by_servers(ReadyWhen::notify);
    CHECK_FALSE(is_ready_after(by_servers, said));
  }
  NodeSession other(ReadyWhen::message);
  CHECK_FALSE(is_ready_after(other, "{\"cmd\":\"online\"}\n"));
  NodeSession listening = with_servers(ReadyWhen::message, {80});
  CHECK_FALSE(is_ready_after(listening, says("listening", 80)));
}

TEST_CASE("node session: nothing is sent while a descriptor is on its way") {
  NodeSession session(ReadyWhen::notify);
  const auto heard = session.receive(says("queryServer", 80, 1) + says("queryServer", 81, 2));
  REQUIRE(heard.asked.size() == 2);
  session.grant(heard.asked[0], "");
  session.grant(heard.asked[1], "");
  session.tell("hello");
  REQUIRE(session.outgoing() != nullptr);
  CHECK(session.outgoing()->key == node::key_of(heard.asked[0]));
  session.sent();
  CHECK(session.outgoing() == nullptr);
  CHECK(session.receive(kReceived).arrived == std::vector{node::key_of(heard.asked[0])});
  REQUIRE(session.outgoing() != nullptr);
  CHECK(session.outgoing()->key == node::key_of(heard.asked[1]));
  session.sent();
  (void)session.receive(kReceived);
  REQUIRE(session.outgoing() != nullptr);
  CHECK(session.outgoing()->text == "\"hello\"\n");
  session.sent();
  CHECK(session.outgoing() == nullptr);
}

TEST_CASE("node session: a descriptor that is lost is sent again, three times in all") {
  NodeSession session(ReadyWhen::notify);
  const auto asked = session.receive(says("queryServer", 80)).asked;
  session.grant(asked.front(), "");
  for (int i = 0; i < 2; ++i) {
    session.sent();
    CHECK(session.receive(kLost).events.empty());
    REQUIRE(session.outgoing() != nullptr);
    CHECK(session.outgoing()->key == node::key_of(asked.front()));
  }
  session.sent();
  const NodeHeard heard = session.receive(kLost);
  CHECK(heard.events ==
        Events{Problem{"cannot take the descriptor of a server, which was sent three times"}});
  CHECK(heard.closed == std::vector{node::key_of(asked.front())});
  REQUIRE(session.outgoing() != nullptr);
  CHECK(session.outgoing()->text == node::server_refused(asked.front(), EMFILE, 1));
}

TEST_CASE("node session: the drain closes servers, after the program's own message") {
  NodeSession session = with_servers(ReadyWhen::notify, {80});
  session.ask_to_drain("shutdown");
  session.ask_to_drain("shutdown");
  REQUIRE(session.outgoing() != nullptr);
  CHECK(session.outgoing()->text == "\"shutdown\"\n");
  session.sent();
  REQUIRE(session.outgoing() != nullptr);
  CHECK(session.outgoing()->text == node::disconnect(1));
  session.sent();
  CHECK(session.outgoing() == nullptr);
  CHECK(session.receive(says("queryServer", 81)).asked.empty());
  const std::string key = node::key_of({.kind = node::AddressKind::tcp, .port = 80});
  CHECK(session.receive("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"close\",\"key\":\"" + key + "\"}\n").closed ==
        std::vector{key});
}

TEST_CASE("node session: who leaves by itself is answered, and said to be stopping") {
  NodeSession session = with_servers(ReadyWhen::notify, {80});
  CHECK(session.receive("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"exitedAfterDisconnect\",\"seq\":12}\n").events ==
        Events{Stopping{}});
  REQUIRE(session.outgoing() != nullptr);
  CHECK(session.outgoing()->text == node::acknowledged(12, 1));
}

TEST_CASE("node session: what cannot be read is told, and the rest is read on") {
  NodeSession session(ReadyWhen::message);
  const NodeHeard heard = session.receive("{oops\n\"ready\"\n");
  CHECK(heard.events == Events{Problem{"sent what cannot be read on its channel: not JSON"}});
  CHECK(session.is_ready());
  CHECK(session.outgoing() == nullptr);
  CHECK(session.receive("{\"cmd\":\"NODE_CLUSTER\",\"act\":\"queryServer\",\"seq\":3}\n").asked.empty());
  REQUIRE(session.outgoing() != nullptr);
  CHECK(session.outgoing()->text.contains("\"errno\":-22"));
  std::string big = "\"" + std::string(node::kLineMax, 'x') + "\"\n";
  NodeSession other(ReadyWhen::message);
  CHECK(other.receive(big).events.empty());
  CHECK(is_ready_after(other, "\"ready\"\n"));
}

TEST_CASE("node session: one that asks on without reading its answers is not answered without end") {
  constexpr std::size_t kMany = 20'000;
  const std::string refused = "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"queryServer\",\"seq\":3}\n";
  const std::string left = "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"exitedAfterDisconnect\",\"seq\":12}\n";
  const std::string key = node::key_of({.kind = node::AddressKind::tcp, .port = 80});
  const std::string closed = "{\"cmd\":\"NODE_CLUSTER\",\"act\":\"close\",\"key\":\"" + key + "\"}\n";
  for (const std::string& said : {refused, left, says("queryServer", 80) + closed}) {
    NodeSession session(ReadyWhen::notify);
    for (std::size_t i = 0; i < kMany; ++i) {
      for (const auto& asked : session.receive(said).asked) session.grant(asked, "");
    }
    std::size_t unsent = 0;
    for (; session.outgoing() != nullptr; ++unsent) {
      session.sent();
      (void)session.receive(kReceived);
    }
    CHECK(unsent == 4096);
  }
}

}  // namespace
}  // namespace liveswap::protocols
