// Goal: what a configuration file chooses by a word has the words that people read elsewhere.
#include "core/choices.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "core/plan.hpp"

using namespace liveswap::core;

namespace {

template <class Enum>
std::vector<std::string_view> words() {
  return {names<Enum>().begin(), names<Enum>().end()};
}

}  // namespace

TEST_CASE("protocols: the table has each, with its defaults") {
  REQUIRE(names<Protocol>().size() == 3);
  CHECK(name_of(Protocol::native) == "native");
  CHECK(ReadyPlan{}.when == ReadyWhen::notify);
  CHECK_FALSE(drains_by_signal(Protocol::native));
  CHECK(name_of(Protocol::systemd) == "systemd");
  CHECK(drains_by_signal(Protocol::systemd));
  CHECK(name_of(Protocol::node) == "node");
  CHECK_FALSE(drains_by_signal(Protocol::node));
}

TEST_CASE("the words stand in the order of their enums") {
  CHECK(words<ReadyWhen>() == std::vector<std::string_view>{"notify", "delay", "command", "message"});
  CHECK(words<Output>() == std::vector<std::string_view>{"inherit", "prefix"});
  CHECK(words<LogLevel>() == std::vector<std::string_view>{"error", "warn", "info", "debug"});
  CHECK(words<LogFormat>() == std::vector<std::string_view>{"text", "json"});
  CHECK(words<OnStartFailure>() == std::vector<std::string_view>{"exit", "retry"});
  CHECK(name_of(LogLevel::info) == "info");
}

TEST_CASE("kinds of sockets have a name, and know what they are") {
  CHECK(words<SocketKind>() == std::vector<std::string_view>{"tcp", "udp", "unix", "unix-dgram", "unix-seqpacket"});
  CHECK(name_of(SocketKind::unix_stream) == "unix");
  CHECK_FALSE(is_unix(SocketKind::tcp));
  CHECK_FALSE(is_unix(SocketKind::udp));
  CHECK(is_unix(SocketKind::unix_seqpacket));
  CHECK(is_datagram(SocketKind::udp));
  CHECK(is_datagram(SocketKind::unix_dgram));
  CHECK_FALSE(is_datagram(SocketKind::unix_stream));
}
