// Goal: what a configuration file chooses by a word has the words that people read elsewhere.
#include "core/choices.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <vector>

#include "core/plan.hpp"

using namespace liveswap::core;

namespace {

template <class Enum>
std::vector<std::string_view> words() {
  return {names<Enum>().begin(), names<Enum>().end()};
}

}  // namespace

TEST_CASE("protocols: the table has their names and defaults") {
  CHECK(words<Protocol>() ==
        std::vector<std::string_view>{"native", "systemd", "node", "einhorn", "bind", "server-starter"});
  CHECK(ReadyPlan{}.when == ReadyWhen::notify);
  CHECK_FALSE(drain_signal(Protocol::native));
  CHECK_FALSE(drain_signal(Protocol::node));
  CHECK(drain_signal(Protocol::systemd) == SIGTERM);
  CHECK(drain_signal(Protocol::einhorn) == SIGUSR2);
  CHECK(drain_signal(Protocol::server_starter) == SIGTERM);
  for (const auto protocol : {Protocol::native, Protocol::systemd, Protocol::node, Protocol::einhorn}) {
    CHECK(default_ready(protocol) == ReadyWhen::notify);
  }
  CHECK(default_ready(Protocol::server_starter) == ReadyWhen::delay);
}

TEST_CASE("only tableflip's listeners begin with another number than 3") {
  CHECK(words<InheritAs>() ==
        std::vector<std::string_view>{"nginx", "unicorn", "gunicorn", "puma", "tableflip", "ecdysis"});
  CHECK(first_descriptor(InheritAs::nginx) == 3);
  CHECK(first_descriptor(InheritAs::tableflip) == 5);
  AppPlan app;
  CHECK(app.first_descriptor() == 3);
  app.inherit_as = InheritAs::tableflip;
  CHECK(app.first_descriptor() == 5);
}

TEST_CASE("the words stand in the order of their enums") {
  CHECK(words<ReadyWhen>() == std::vector<std::string_view>{"notify", "delay", "command", "message", "fd", "listen"});
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
