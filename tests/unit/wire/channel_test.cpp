// The channel's codec: exact bytes of each kind of field, and everything that a decoder must refuse.
#include "wire/channel.hpp"

#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "bytes.hpp"

namespace {

namespace channel = liveswap::wire::channel;
using channel::End;
using liveswap::wire::FieldList;
using namespace std::string_view_literals;

std::vector<std::byte> packet(const channel::Message& message, std::size_t descriptors = 0) {
  std::vector<std::byte> buffer(channel::kPacketMax);
  const auto size = channel::encode(message, descriptors, buffer);
  REQUIRE_MESSAGE(size.has_value(), size.error().reason);
  buffer.resize(*size);
  return buffer;
}

std::string_view refusal(std::span<const std::byte> bytes, std::size_t descriptors, End receiver) {
  const auto decoded = channel::decode(bytes, descriptors, receiver);
  return decoded ? "accepted" : decoded.error().reason;
}

std::string_view unsendable(const channel::Message& message, std::size_t descriptors,
                            std::size_t room = channel::kPacketMax) {
  std::vector<std::byte> buffer(room);
  const auto size = channel::encode(message, descriptors, buffer);
  return size ? "sent" : size.error().reason;
}

TEST_CASE("channel: a packet is a header of eight bytes and fields that end in NUL") {
  CHECK(packet(channel::Ready{}) == bytes_of_hex("01 00 11 00 00 00 00 00"));
  CHECK(packet(channel::Status{"up"}) == bytes_of_hex("01 00 12 00 00 00 03 00 75 70 00"));
  CHECK(packet(channel::Connections{12}) == bytes_of_hex("01 00 14 00 00 00 03 00 31 32 00"));
  CHECK(packet(channel::Failed{"chdir", "/srv", 2}) ==
        bytes_of_hex("01 00 05 00 00 00 0d 00 63 68 64 69 72 00 2f 73 72 76 00 32 00"));
  CHECK(packet(channel::Descriptors{}, 253) == bytes_of_hex("01 00 02 00 fd 00 00 00"));
  CHECK(packet(channel::Drain{}) == bytes_of_hex("01 00 30 00 00 00 09 00 69 6e 66 69 6e 69 74 79 00"));
  CHECK(packet(channel::Listeners{FieldList{"a\0b\0"sv}}, 2) ==
        bytes_of_hex("01 00 31 00 02 00 04 00 61 00 62 00"));
}

TEST_CASE("channel: every message comes back as it was sent, at the end that it is for") {
  const auto same = [](const channel::Message& message, std::size_t descriptors, End receiver) {
    CAPTURE(channel::name(message));
    const auto bytes = packet(message, descriptors);
    const auto decoded = channel::decode(bytes, descriptors, receiver);
    REQUIRE(decoded.has_value());
    CHECK(*decoded == message);
  };
  same(channel::Plan{}, 1, End::launcher);
  same(channel::Descriptors{}, 7, End::launcher);
  same(channel::Go{}, 0, End::launcher);
  same(channel::Filter{}, 1, End::master);
  same(channel::Executing{}, 0, End::master);
  same(channel::Failed{"exec", "./server", 2147483647}, 0, End::master);
  same(channel::Hello{"libliveswap 0.1.0", 4711}, 0, End::master);
  same(channel::Ready{}, 0, End::master);
  same(channel::Status{""}, 0, End::master);
  same(channel::Stopping{}, 0, End::master);
  same(channel::Connections{0}, 0, End::master);
  same(channel::Watchdog{}, 0, End::master);
  same(channel::Extend{18446744073709551615U}, 0, End::master);
  same(channel::Drain{std::nullopt}, 0, End::worker);
  same(channel::Drain{60000}, 0, End::worker);
  same(channel::Listeners{FieldList{"http\0https\0"sv}}, 2, End::worker);
}

TEST_CASE("channel: messages are known by their names in the manual") {
  CHECK(channel::name(channel::Type::Connections) == "CONNECTIONS");
  CHECK(channel::name(static_cast<channel::Type>(999)) == "unknown");
  CHECK(channel::name(channel::Message{channel::Failed{}}) == "FAILED");
  CHECK(channel::name(channel::Message{channel::Unknown{7}}) == "unknown");
}

TEST_CASE("channel: an unknown type and further fields are skipped, another major version is refused") {
  const auto unknown = channel::decode(bytes_of_hex("01 07 e7 03 02 00 02 00 78 00"), 2, End::master);
  REQUIRE(unknown.has_value());
  CHECK(*unknown == channel::Message{channel::Unknown{999}});

  const auto longer = bytes_of_hex("01 01 12 00 00 00 08 00 75 70 00 6e 65 77 21 00");
  const auto decoded = channel::decode(longer, 0, End::master);
  REQUIRE(decoded.has_value());
  CHECK(*decoded == channel::Message{channel::Status{"up"}});

  CHECK(refusal(bytes_of_hex("02 00 11 00 00 00 00 00"), 0, End::master) ==
        "the packet is of another major version");
}

TEST_CASE("channel: a packet that contradicts itself is refused with the reason") {
  CHECK(refusal({}, 0, End::master) == "the packet is shorter than a header");
  CHECK(refusal(bytes_of_hex("01 00 11 00 00 00 00"), 0, End::master) ==
        "the packet is shorter than a header");
  CHECK(refusal(bytes_of_hex("01 00 11 00 00 00 01 00"), 0, End::master) ==
        "the packet is not as long as its header says");
  CHECK(refusal(bytes_of_hex("01 00 12 00 00 00 01 00 75 00"), 0, End::master) ==
        "the packet is not as long as its header says");
  CHECK(refusal(bytes_of_hex("01 00 12 00 00 00 02 00 75 70"), 0, End::master) ==
        "the last field does not end in NUL");
  CHECK(refusal(bytes_of_hex("01 00 12 00 00 00 00 00"), 0, End::master) == "a field is missing");
  CHECK(refusal(bytes_of_hex("01 00 11 00 00 00 00 00"), 1, End::master) ==
        "the packet came with another number of descriptors than its header says");
  CHECK(refusal(bytes_of_hex("01 00 11 00 01 00 00 00"), 1, End::master) ==
        "the message has descriptors, and should have none");
  CHECK(refusal(bytes_of_hex("01 00 01 00 02 00 00 00"), 2, End::launcher) ==
        "the message should have one descriptor");
  CHECK(refusal(bytes_of_hex("01 00 06 00 00 00 00 00"), 0, End::master) ==
        "the message should have one descriptor");
  CHECK(refusal(bytes_of_hex("01 00 06 00 02 00 00 00"), 2, End::master) ==
        "the message should have one descriptor");
  CHECK(refusal(bytes_of_hex("01 00 02 00 00 00 00 00"), 0, End::launcher) ==
        "the message should have descriptors");
  CHECK(refusal(bytes_of_hex("01 00 31 00 02 00 02 00 61 00"), 2, End::worker) ==
        "the message should have a descriptor for each name");
}

TEST_CASE("channel: a message for another end is refused") {
  CHECK(refusal(packet(channel::Ready{}), 0, End::worker) ==
        "the message is not for this end of the channel");
  CHECK(refusal(packet(channel::Drain{}), 0, End::master) ==
        "the message is not for this end of the channel");
  CHECK(refusal(packet(channel::Filter{}, 1), 1, End::launcher) ==
        "the message is not for this end of the channel");
  CHECK(refusal(packet(channel::Go{}), 0, End::worker) == "the message is not for this end of the channel");
}

TEST_CASE("channel: numbers are plain decimal within their range") {
  const auto connections = [](std::string_view text) {
    auto bytes = bytes_of_hex("01 00 14 00 00 00 00 00");
    bytes[6] = static_cast<std::byte>(text.size() + 1);
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    bytes.push_back(std::byte{0});
    return std::string{refusal(bytes, 0, End::master)};
  };
  for (const std::string_view bad :
       {"", "-1", "+1", " 1", "1 ", "0x1", "1.5", "18446744073709551616", "99999999999999999999"}) {
    CAPTURE(bad);
    CHECK(connections(bad) == "a field is not a number in range");
  }
  CHECK(connections("18446744073709551615") == "accepted");
  CHECK(connections("0007") == "accepted");
  CHECK(refusal(bytes_of_hex("01 00 05 00 00 00 0d 00 00 00 32 31 34 37 34 38 33 36 34 38 00"), 0,
                End::master) == "a field is not a number in range");
}

TEST_CASE("channel: what cannot be said on the wire is not sent") {
  const std::string long_text(channel::kPayloadMax, 'x');
  CHECK(unsendable(channel::Status{"a\0b"sv}, 0) == "a text has a NUL in it");
  CHECK(unsendable(channel::Status{long_text}, 0, channel::kPacketMax + 10) ==
        "the payload is longer than a packet can carry");
  CHECK(unsendable(channel::Status{std::string_view{long_text}.substr(1)}, 0) == "sent");
  CHECK(unsendable(channel::Status{"text"}, 0, 12) == "the buffer is too small");
  CHECK(unsendable(channel::Status{"text"}, 0, 7) == "the buffer is too small");
  CHECK(unsendable(channel::Failed{"exec", "x", -1}, 0) == "a number is negative");
  CHECK(unsendable(channel::Descriptors{}, 254) == "more descriptors than a packet can carry");
  CHECK(unsendable(channel::Descriptors{}, 0) == "the message should have descriptors");
  CHECK(unsendable(channel::Listeners{FieldList{"a\0b"sv}}, 1) == "a list does not end in NUL");
  CHECK(unsendable(channel::Unknown{999}, 0) == "a message of unknown type cannot be sent");
}

TEST_CASE("channel: a list of names is walked without allocation") {
  const FieldList names{"http\0\0admin\0"sv};
  const std::vector<std::string_view> walked(names.begin(), names.end());
  CHECK(walked == std::vector<std::string_view>{"http", "", "admin"});
  CHECK(names.size() == 3);
  CHECK(FieldList{}.size() == 0);
  CHECK(FieldList{}.begin() == FieldList{}.end());
}

}  // namespace
