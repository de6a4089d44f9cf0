// The ${…} language: grammar, values, and what waits for its worker.
#include "config/expand.hpp"

#include <doctest/doctest.h>

using namespace liveswap;
using namespace liveswap::config;

namespace {

Values all_values() {
  static const Environment environment{
      {"HOME", {"/home/me"}}, {"PRICE", {"5$"}}, {"FD", {"n${fd:http}$$", true}}};
  Values values;
  values.sockets = {
      {.listener = "http", .address = "127.0.0.1", .port = 8080, .fd = 3},
      {.listener = "http", .address = "::1", .port = 8081, .fd = 4},
      {.listener = "api", .address = "/run/api.sock", .port = {}, .fd = 5},
      {.listener = "other", .address = "::", .port = 90, .fd = {}},
  };
  values.target = "/srv/${slot}";
  values.slot = 2;
  values.generation = 9;
  values.release = 8;
  values.environment = &environment;
  return values;
}

std::string expanded(std::string_view word, const Values& values = all_values()) {
  auto text = expand(word, values);
  return text ? *text : "error: " + text.error();
}

std::string refused(std::string_view word) {
  auto parts = parse_template(word);
  return parts ? "good" : std::to_string(parts.error().offset) + ": " + parts.error().message;
}

}  // namespace

TEST_CASE("each variable has its value") {
  CHECK(expanded("--fd=${fd:http}") == "--fd=3");
  CHECK(expanded("${fd:http:1}") == "4");
  CHECK(expanded("${addr:http}:${port:http}") == "127.0.0.1:8080");
  CHECK(expanded("[${addr:http:1}]:${port:http:1}") == "[::1]:8081");
  CHECK(expanded("${addr:api}") == "/run/api.sock");
  CHECK(expanded("${slot} ${generation} ${release}") == "2 9 8");
  CHECK(expanded("${env:HOME}/x") == "/home/me/x");
  CHECK(expanded("${port:other}") == "90");
}

TEST_CASE("what replaces a variable is not looked at again") {
  CHECK(expanded("${target}") == "/srv/${slot}");
  CHECK(expanded("${env:PRICE}${env:PRICE}") == "5$5$");
}

TEST_CASE("two dollars are one, any other dollar stays") {
  CHECK(expanded("$$") == "$");
  CHECK(expanded("$$$$x") == "$$x");
  CHECK(expanded("$${slot}") == "${slot}");
  CHECK(expanded("$$${slot}") == "$2");
  CHECK(expanded("$HOME $(x) $ 5$") == "$HOME $(x) $ 5$");
  CHECK(expanded("") == "");
}

TEST_CASE("what has no value is an error") {
  CHECK(expanded("${fd:none}") == "error: ${fd:none}: there is no such listener");
  CHECK(expanded("${fd:http:2}") == "error: ${fd:http:2}: listener \"http\" has 2 sockets, counted from 0");
  CHECK(expanded("${port:api}") == "error: ${port:api}: a Unix socket has no port");
  CHECK(expanded("${fd:other}") == "error: ${fd:other}: only the app's own listeners have descriptors");
  CHECK(expanded("${env:NONE}") == "error: ${env:NONE}: the variable is not set");
  CHECK(expanded("${env:HOME}", {}) == "error: ${env:HOME}: the variable is not set");
  CHECK(expanded("${target}", {}) == "error: ${target} is not known here");
  CHECK(expanded("${slot}", {}) == "error: ${slot} is not known here");
}

TEST_CASE("forms that are none say what was meant") {
  CHECK(refused("ab${slot") == "2: ${ without its }; $${ is a plain ${");
  CHECK(refused("${HOME}") ==
        "0: unknown variable \"${HOME}\" (did you mean \"${env:HOME}\"? $${HOME} keeps it as it is)");
  CHECK(refused("${sloth}") == "0: unknown variable \"${sloth}\" (did you mean \"${slot}\"?)");
  CHECK(refused("${prot:http}") == "0: unknown variable \"${prot:http}\" (did you mean \"${port:http}\"?)");
  CHECK(refused("${x:-y}") ==
        "0: unknown variable \"${x:-y}\": there are ${fd:NAME}, ${addr:NAME}, ${port:NAME}, ${target}, "
        "${slot}, "
        "${generation}, ${release}, ${env:VAR}; $${ is a plain ${");
  CHECK(refused("${fd}") == "0: ${fd:NAME} needs the name of a listener");
  CHECK(refused("${fd:}") == "0: ${fd:NAME} needs the name of a listener");
  CHECK(refused("${port:a b}") == "0: ${port:NAME} needs the name of a listener");
  CHECK(refused("${fd:http:x}") == "0: \"x\" is not the place of a socket in its listener: 0, 1, …");
  CHECK(refused("${fd:http:-1}") == "0: \"-1\" is not the place of a socket in its listener: 0, 1, …");
  CHECK(refused("${fd:http:}") == "0: \"\" is not the place of a socket in its listener: 0, 1, …");
  CHECK(refused("${slot:1}") == "0: ${slot} takes nothing after a colon");
  CHECK(refused("${env}") == "0: ${env:VAR} needs the name of a variable");
  CHECK(refused("${env:}") == "0: ${env:VAR} needs the name of a variable");
  CHECK(refused("${}").starts_with("0: unknown variable \"${}\": there are "));
}

TEST_CASE("a part is shown as it is written") {
  for (std::string word : {"${fd:http}", "${fd:http:1}", "${target}", "${env:HOME}"}) {
    auto parts = parse_template(word);
    REQUIRE(parts);
    REQUIRE(parts->size() == 1);
    CHECK(text_of(parts->front()) == word);
  }
}

TEST_CASE("for a release, what differs from worker to worker stays a template") {
  auto values = all_values();
  values.slot.reset();
  values.generation.reset();
  CHECK(expand_for_release("a$b ${env:PRICE}", values) == EnvValue{"a$b 5$", false});
  auto later = expand_for_release("$$ ${env:PRICE} ${target} ${fd:http:1} ${slot}", values);
  REQUIRE(later);
  CHECK(*later == EnvValue{"$$ 5$$ /srv/$${slot} ${fd:http:1} ${slot}", true});
  CHECK(expanded(later->text) == "$ 5$ /srv/${slot} 4 2");
}

TEST_CASE("for a release, its own number stays a template, so that two releases can be the same") {
  CHECK(expand_for_release("${release}", all_values()) == EnvValue{"${release}", true});
}

TEST_CASE("a descriptor that no worker will have fails the release, not its workers") {
  auto value = expand_for_release("${fd:other}", all_values());
  REQUIRE_FALSE(value);
  CHECK(value.error() == "${fd:other}: only the app's own listeners have descriptors");
}

TEST_CASE("a variable that waits for its worker makes what reads it wait") {
  auto value = expand_for_release("<${env:FD}>$", all_values());
  REQUIRE(value);
  CHECK(*value == EnvValue{"<n${fd:http}$$>$$", true});
  CHECK(expanded(value->text) == "<n3$>$");
  CHECK(expanded("${env:FD}") == "n3$");
}

TEST_CASE("values of sockets") {
  core::Address both{.kind = core::SocketKind::tcp, .host = "", .port = 0};
  auto value = socket_value("http", both, 4711, 3);
  CHECK(value.address == "::");
  CHECK(value.port == 4711);
  CHECK(value.fd == 3);
  core::Address abstract{.kind = core::SocketKind::unix_stream, .path = "bus", .abstract = true};
  CHECK(socket_value("bus", abstract, 0, {}).address == "@bus");
  CHECK_FALSE(socket_value("bus", abstract, 0, {}).port);
}

TEST_CASE("any text is a template's text") { CHECK(expanded(as_template("${fd:x} $$ $")) == "${fd:x} $$ $"); }

TEST_CASE("circus's names stand for a descriptor and for the worker's place from 1") {
  CHECK(expanded("--fd=$(circus.sockets.http)") == "--fd=3");
  CHECK(expanded("$(CIRCUS.Sockets.HTTP)/$(Circus.WID)") == "3/3");
  CHECK(expanded("$$(circus.wid) $(circus $(other) (circus.wid) $()") ==
        "$(circus.wid) $(circus $(other) (circus.wid) $()");
  CHECK(expanded("$(circus.sockets.nobody)") == "error: $(circus.sockets.nobody): there is no such listener");
  CHECK(refused("a$(circus.env.HOME)") ==
        "1: unknown variable \"$(circus.env.HOME)\": of circus there are $(circus.sockets.NAME) and $(circus.wid)");
  CHECK(refused("$(circus.wid") == "0: $(circus. without its ); $$( is a plain $(");
  CHECK(refused("$(circus.sockets.)") == "0: $(circus.sockets.NAME) needs the name of a listener");
}

TEST_CASE("circus's names wait for their worker as others do") {
  const auto value = expand_for_release("$(circus.sockets.HTTP) $(circus.wid) $$(circus.wid)", all_values());
  REQUIRE(value.has_value());
  CHECK(value->per_worker);
  CHECK(expanded(value->text) == "3 3 $(circus.wid)");
}
