// What liveswap-bind.so asks, what the master answers, and what a program that is no such library may send instead.
#include "wire/bind_call.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

namespace liveswap::wire::bind_call {
namespace {

std::vector<std::byte> packet_of(liveswap_bind_request header, std::size_t address = 0) {
  std::vector<std::byte> packet(sizeof header + address, std::byte{'a'});
  std::memcpy(packet.data(), &header, sizeof header);
  return packet;
}

std::string refusal_of(const std::vector<std::byte>& packet, std::size_t descriptors = 1) {
  const auto request = decode(packet, descriptors);
  return request ? "none" : std::string(request.error().reason);
}

std::string answer_refusal(liveswap_bind_answer given, std::size_t size = kAnswerSize) {
  std::vector<std::byte> packet(sizeof given + 1);
  std::memcpy(packet.data(), &given, sizeof given);
  const auto answer = decode_answer(std::span(packet).first(size));
  return answer ? "none" : std::string(answer.error().reason);
}

}  // namespace

TEST_CASE("bind call: requests come out as they went in") {
  const std::vector<std::byte> address(LIVESWAP_BIND_ADDRESS_MAX, std::byte{7});
  const auto bind_packet = encode(Request(Bind{5, address}));
  const auto bind = decode(bind_packet, 1);
  REQUIRE((bind && std::holds_alternative<Bind>(*bind)));
  CHECK(std::get<Bind>(*bind).descriptor == 5);
  CHECK(std::ranges::equal(std::get<Bind>(*bind).address, address));
  const auto listen = decode(encode(Request(Listen{6, -1})), 1);
  REQUIRE((listen && std::holds_alternative<Listen>(*listen)));
  CHECK(std::get<Listen>(*listen).descriptor == 6);
  CHECK(std::get<Listen>(*listen).backlog == -1);
}

TEST_CASE("bind call: what is no request is refused") {
  const std::uint32_t version = LIVESWAP_BIND_VERSION;
  CHECK(refusal_of({}) == "the request is too short");
  CHECK(refusal_of(packet_of({version, 1, 3, 0}, LIVESWAP_BIND_ADDRESS_MAX)) == "none");
  CHECK(refusal_of(packet_of({version, 1, 3, 0}, LIVESWAP_BIND_ADDRESS_MAX + 1)) == "the request is too long");
  CHECK(refusal_of(packet_of({version + 1, 1, 3, 0})) == "the request is of another version");
  CHECK(refusal_of(packet_of({version, 1, 3, 0}), 0) == "a request comes with one socket");
  CHECK(refusal_of(packet_of({version, 1, 3, 0}), 2) == "a request comes with one socket");
  CHECK(refusal_of(packet_of({version, 1, -1, 0})) == "the descriptor is negative");
  CHECK(refusal_of(packet_of({version, 1, 3, 8})) == "a bind has no backlog");
  CHECK(refusal_of(packet_of({version, 2, 3, 8}, 1)) == "a listen has no address");
  CHECK(refusal_of(packet_of({version, 3, 3, 0})) == "the call is unknown");
}

TEST_CASE("bind call: answers come out as they went in, and no others") {
  const auto go_on = decode_answer(encode(Answer(GoOn{})));
  CHECK((go_on && std::holds_alternative<GoOn>(*go_on)));
  for (const int error : {0, EADDRINUSE}) {
    const auto done = decode_answer(encode(Answer(Done{error})));
    REQUIRE((done && std::holds_alternative<Done>(*done)));
    CHECK(std::get<Done>(*done).error == error);
  }
  CHECK(answer_refusal({LIVESWAP_BIND_VERSION, 0}, kAnswerSize - 1) == "the answer has another size");
  CHECK(answer_refusal({LIVESWAP_BIND_VERSION, 0}, kAnswerSize + 1) == "the answer has another size");
  CHECK(answer_refusal({LIVESWAP_BIND_VERSION + 1, 0}) == "the answer is of another version");
  CHECK(answer_refusal({LIVESWAP_BIND_VERSION, -2}) == "the result is no errno");
}

}  // namespace liveswap::wire::bind_call
