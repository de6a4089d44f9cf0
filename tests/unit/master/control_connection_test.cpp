// Goal: a client that hangs, floods or lies harms nobody, and one that behaves is served.
#include "master/control_connection.hpp"

#include "control_fixture.hpp"

namespace liveswap::master {
namespace {

using namespace test;
using namespace std::chrono_literals;
using namespace std::string_literals;

TEST_CASE("a call is answered, and the next one on the same connection too") {
  ControlFixture control;
  const auto client = control.connect();
  Heard heard;
  for (std::size_t round = 1; round <= 3; ++round) {
    say(client, call_text("Ping"));
    control.run_until([&] {
      hear(client, heard);
      return messages_in(heard).size() == round;
    });
  }
  CHECK(messages_in(heard).back() == Json{{"parameters", {{"name", "web"}, {"pid", 4242}}}});
  CHECK(control.server->clients() == 1);
}

TEST_CASE("calls that come in one piece are answered in their order") {
  ControlFixture control;
  const auto client = control.connect();
  std::string flood;
  for (int i = 0; i < 100; ++i) flood += call_text("Ping") + call_text("Version");
  REQUIRE(say(client, flood) == flood.size());
  Heard heard;
  control.run_until([&] {
    hear(client, heard);
    return messages_in(heard).size() == 200;
  });
  const auto messages = messages_in(heard);
  for (std::size_t i = 0; i < 200; ++i) {
    CHECK(messages[i]["parameters"].contains(i % 2 == 0 ? "pid" : "version"));
  }
}

TEST_CASE("a call may come byte by byte") {
  ControlFixture control;
  const auto client = control.connect();
  Heard heard;
  for (const char byte : call_text("Ping")) {
    say(client, std::string_view(&byte, 1));
    control.run_until([] { return true; });
  }
  control.run_until([&] {
    hear(client, heard);
    return messages_in(heard).size() == 1;
  });
}

TEST_CASE("a oneway call is done and not answered") {
  ControlFixture control;
  const auto client = control.connect();
  say(client, call_text("Ping", "{}", R"(,"oneway":true)") + call_text("Version"));
  Heard heard;
  control.run_until([&] {
    hear(client, heard);
    return !heard.bytes.empty();
  });
  CHECK(messages_in(heard).size() == 1);
  CHECK(messages_in(heard)[0]["parameters"].contains("version"));
}

TEST_CASE("a client that only closes its sending side still gets its answers") {
  ControlFixture control;
  const auto client = control.connect();
  say(client, call_text("Ping") + call_text("Upgrade"));
  REQUIRE(::shutdown(client.get(), SHUT_WR) == 0);
  control.run_until([&] { return !control.master.posted.empty(); });
  control.master.answer(core::RequestId{1}, {.app = core::AppId{1}});
  Heard heard;
  control.run_until([&] {
    hear(client, heard);
    return heard.ended;
  });
  CHECK(messages_in(heard).size() == 2);
  CHECK(control.server->clients() == 0);
}

TEST_CASE("what a client waits for is taken back when it goes away") {
  ControlFixture control;
  auto client = control.connect();
  say(client, call_text("Upgrade", "{}", R"(,"more":true)"));
  control.run_until([&] { return !control.master.posted.empty(); });
  client.reset();
  control.run_until([&] { return control.server->clients() == 0; });
  CHECK(control.master.closed == std::vector{core::RequestId{1}});
  CHECK(control.logged.empty());
}

TEST_CASE("calls behind one that waits are answered when it is answered") {
  ControlFixture control;
  const auto client = control.connect();
  say(client, call_text("Upgrade") + call_text("Ping"));
  control.run_until([&] { return !control.master.posted.empty(); });
  Heard heard;
  control.run_until([] { return true; });
  hear(client, heard);
  CHECK(heard.bytes.empty());
  control.master.answer(core::RequestId{1}, {.app = core::AppId{1}});
  control.run_until([&] {
    hear(client, heard);
    return messages_in(heard).size() == 2;
  });
  CHECK(messages_in(heard)[0]["parameters"].contains("outcome"));
  CHECK(messages_in(heard)[1]["parameters"].contains("pid"));
}

TEST_CASE("what is no call ends the connection, and is told") {
  for (const auto& [bytes, why] : std::vector<std::pair<std::string, std::string>>{
           {"GET / HTTP/1.1\r\n\r\n\0"s, "sent what is no call: not JSON"},
           {"\0"s, "sent what is no call: not JSON"},
           {"[]\0"s, "sent what is no call: the message is not an object"},
           {"{\"method\":" + std::string(100, '[') + "\0"s, "sent what is no call: nested too deeply"}}) {
    ControlFixture control;
    const auto client = control.connect();
    say(client, bytes);
    Heard heard;
    control.run_until([&] {
      hear(client, heard);
      return heard.ended;
    });
    CHECK(heard.bytes.empty());
    REQUIRE(control.logged.size() == 1);
    CHECK(control.logged[0] == "liveswap: warning: control: dropped a client (PID " +
                                   std::to_string(::getpid()) + ", uid " + std::to_string(::getuid()) +
                                   "): it " + why);
  }
}

TEST_CASE("a message without end is cut off at the limit") {
  ControlFixture control({}, {.message_bytes = 1000});
  const auto client = control.connect();
  say(client, std::string(1000, ' '));
  control.run_until([&] { return control.server->clients() == 1; });
  say(client, " ");
  Heard heard;
  control.run_until([&] {
    hear(client, heard);
    return heard.ended;
  });
  REQUIRE(control.logged.size() == 1);
  CHECK(control.logged[0].ends_with("it sent a message of more than 1000 bytes"));
}

TEST_CASE("a message that is begun and not ended has a time limit, and an idle client has none") {
  ControlFixture control({}, {.message_time = 50ms});
  const auto idle = control.connect();
  const auto slow = control.connect();
  say(slow, "{");
  control.run_until([&] { return control.server->clients() == 2; });
  Heard heard;
  control.run_until([&] {
    hear(slow, heard);
    return heard.ended;
  });
  REQUIRE(control.logged.size() == 1);
  CHECK(control.logged[0].ends_with("it did not end the message that it had begun within 50ms"));
  CHECK(control.server->clients() == 1);
  hear(idle, heard = {});
  CHECK_FALSE(heard.ended);
}

TEST_CASE("the time limit of a message ends with the message") {
  ControlFixture control({}, {.message_time = 50ms});
  const auto client = control.connect();
  const std::string call = call_text("Ping");
  say(client, call.substr(0, 10));
  control.run_until([&] { return control.server->clients() == 1; });
  say(client, call.substr(10));
  loop::Timer wait(control.loop, [&] { control.loop.stop(); });
  wait.start_after(100ms);
  control.loop.run();
  CHECK(control.server->clients() == 1);
  CHECK(control.logged.empty());
}

TEST_CASE("a client that never reads is not listened to, and is dropped in the end") {
  ControlFixture control({}, {.read_time = 200ms});
  control.master.facts.version.assign(50'000, 'v');  // replies of a size
  const auto client = control.connect();
  std::string flood;
  for (int i = 0; i < 500; ++i) flood += call_text("Version");
  std::size_t sent = 0;
  control.run_until([&] {
    sent += say(client, std::string_view(flood).substr(sent % flood.size()));
    return !control.logged.empty();
  });
  REQUIRE(control.logged.size() == 1);
  CHECK(control.logged[0].ends_with("it did not read its replies for 200ms"));
  CHECK(control.server->clients() == 0);
  CHECK(sent < 1'000'000);  // the rest stayed with the client
}

TEST_CASE("a client that reads slowly keeps its connection") {
  ControlFixture control({}, {.read_time = 2s});
  control.master.facts.version.assign(400'000, 'v');
  const auto client = control.connect();
  say(client, call_text("Version") + call_text("Version") + call_text("Version"));
  std::size_t read = 0;
  std::array<char, 16384> buffer;
  control.run_until([&] {
    const ssize_t got = ::recv(client.get(), buffer.data(), buffer.size(), 0);
    if (got > 0) read += static_cast<std::size_t>(got);
    return read > 1'200'000;
  });
  CHECK(control.logged.empty());
}

TEST_CASE("events for a client that does not read are left out, and its outcome is not") {
  ControlFixture control({}, {.congested_bytes = 10'000});
  const auto client = control.connect();
  say(client, call_text("Upgrade", "{}", R"(,"more":true)"));
  control.run_until([&] { return !control.master.posted.empty(); });
  Told told{.app = "web", .text = std::string(1000, 'x')};
  told.note.app = core::AppId{1};
  for (int i = 0; i < 5000; ++i) control.master.tell(told);
  control.master.answer(core::RequestId{1}, {.app = core::AppId{1}});
  Heard heard;
  control.run_until([&] {
    hear(client, heard);
    return heard.bytes.find("outcome") != std::string::npos;
  });
  const auto messages = messages_in(heard);
  CHECK(messages.size() > 10);
  CHECK(messages.size() < 2000);
  CHECK_FALSE(messages.back().contains("continues"));
}

TEST_CASE("a flood of one client does not keep another waiting") {
  ControlFixture control;
  const auto flooder = control.connect();
  const auto other = control.connect();
  std::string flood;
  for (int i = 0; i < 1000; ++i) flood += call_text("Status");
  std::size_t sent = say(flooder, flood);
  say(other, call_text("Ping"));
  Heard of_flooder, of_other;
  std::size_t answered_before = 0;
  control.run_until([&] {
    hear(flooder, of_flooder);
    sent += say(flooder, std::string_view(flood).substr(sent % flood.size()));
    hear(other, of_other);
    answered_before = messages_in(of_flooder).size();
    return !of_other.bytes.empty();
  });
  CHECK(answered_before < 500);
}

}  // namespace
}  // namespace liveswap::master
