// Goal: a server that believes to be a successor finds what its older self would have left. Method: variables as their
// sources read them; bytes written down from the definitions of gob (see wire/gob_test.cpp) and bincode.
#include "protocols/inheritance.hpp"

#include <doctest/doctest.h>

#include "wire/gob.hpp"

namespace {

using namespace liveswap::protocols;
using liveswap::core::InheritAs;
using liveswap::core::SocketKind;
using Family = HandedSocket::Family;
using Variables = std::vector<std::pair<std::string, std::string>>;
using namespace std::string_literals;

std::vector<HandedSocket> sockets(int first = 3) {
  return {{.name = "http", .number = first, .family = Family::ipv4, .host = "127.0.0.1", .port = 8080},
          {.name = "https", .number = first + 1, .family = Family::ipv6, .host = "::", .port = 8443},
          {.name = "admin", .number = first + 2, .family = Family::unix_path, .host = "/run/a.sock",
           .kind = SocketKind::unix_stream}};
}

Variables variables(InheritAs inherit_as) {
  LaunchFacts facts;
  facts.sockets = sockets();
  facts.master_pid = 4711;
  return inherited_variables(inherit_as, facts);
}

TEST_CASE("inheritance: variables, as each server writes them for its successor") {
  CHECK(variables(InheritAs::nginx) == Variables{{"NGINX", "3;4;5;"}});
  CHECK(variables(InheritAs::unicorn) == Variables{{"UNICORN_FD", "3,4,5"}});
  CHECK(variables(InheritAs::gunicorn) == Variables{{"GUNICORN_FD", "3,4,5"}, {"GUNICORN_PID", "4711"}});
  CHECK(variables(InheritAs::puma) == Variables{{"PUMA_INHERIT_0", "3:tcp://127.0.0.1:8080"},
                                                {"PUMA_INHERIT_1", "4:tcp://[::]:8443"},
                                                {"PUMA_INHERIT_2", "5:unix:///run/a.sock"}});
  CHECK(variables(InheritAs::tableflip).empty());
  CHECK(variables(InheritAs::ecdysis).empty());
}

TEST_CASE("inheritance: servers that read variables have no pipes") {
  for (const auto inherit_as : {InheritAs::nginx, InheritAs::unicorn, InheritAs::gunicorn, InheritAs::puma}) {
    CHECK_FALSE(inheritance_pipes(inherit_as, sockets()).has_value());
  }
}

TEST_CASE("inheritance: tableflip reads kind, network and address, as they are given to net.Listen") {
  auto handed = sockets(5);
  handed.push_back({.name = "dns", .number = 8, .family = Family::ipv6, .host = "::1", .port = 53,
                    .kind = SocketKind::udp});
  const auto pipes = inheritance_pipes(InheritAs::tableflip, handed);
  REQUIRE(pipes.has_value());
  const std::vector<std::vector<std::string>> names{{"listener", "tcp", "127.0.0.1:8080"},
                                                    {"listener", "tcp", ":8443"},
                                                    {"listener", "unix", "/run/a.sock"},
                                                    {"packet", "udp", "[::1]:53"}};
  CHECK(pipes->names == liveswap::wire::gob_of_names(names));
  CHECK(pipes->names_stay_open);
  CHECK(pipes->ready == "\x2a");
  CHECK(pipes->ready_number == 3);
  CHECK(pipes->names_number == 4);
}

TEST_CASE("inheritance: ecdysis reads a bincode list of descriptors and addresses") {
  auto handed = sockets();
  handed.push_back({.name = "bus", .number = 6, .family = Family::unix_path, .host = "@bus",
                    .kind = SocketKind::unix_seqpacket});
  handed.push_back({.name = "log", .number = 7, .family = Family::unix_path, .host = "/run/l.sock",
                    .kind = SocketKind::unix_dgram});  // it has no such case
  const auto pipes = inheritance_pipes(InheritAs::ecdysis, handed);
  REQUIRE(pipes.has_value());
  CHECK(pipes->names == "\4\0\0\0\0\0\0\0"                                   // four of them
                        "\3\0\0\0" "\1\0\0\0" "\0\0\0\0" "\x7f\0\0\1" "\x90\x1f"  // fd 3, Tcp, V4
                        "\4\0\0\0" "\1\0\0\0" "\1\0\0\0"                     // fd 4, Tcp, V6
                        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "\xfb\x20"        // ::, 8443
                        "\5\0\0\0" "\0\0\0\0" "\1" "\x0b\0\0\0\0\0\0\0" "/run/a.sock"  // fd 5, Unix(Some)
                        "\6\0\0\0" "\4\0\0\0" "\0"s);                        // fd 6, UnixSeqpacket(None)
  CHECK_FALSE(pipes->names_stay_open);
  CHECK(pipes->ready == "OK");
  CHECK(std::string(pipes->names_variable) == "ECDYSIS_RUST_PIPE_FDS");
  CHECK(std::string(pipes->ready_variable) == "ECDYSIS_RUST_PIPE_READY");
}

}  // namespace
