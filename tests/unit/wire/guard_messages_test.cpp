// The codec of the guardian's packets: exact bytes of each kind of field, and everything that a decoder must refuse.
#include "wire/guard_messages.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "bytes.hpp"

namespace {

namespace guard = liveswap::wire::guard;
using guard::End;
using guard::Key;
using guard::NotifyKind;
using guard::Role;

using Bytes = std::array<std::byte, guard::kPacketSize>;

Bytes packet(const guard::Message& message, std::size_t descriptors = 0) {
  Bytes bytes;
  bytes.fill(std::byte{0xee});
  const auto written = guard::encode(message, descriptors, bytes);
  REQUIRE_MESSAGE(written.has_value(), written.error().reason);
  return bytes;
}

// The bytes up to the last one that is not zero.
std::vector<std::byte> start_of(const Bytes& bytes) {
  std::size_t size = bytes.size();
  while (size > 0 && bytes[size - 1] == std::byte{}) --size;
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

std::string_view refusal(std::span<const std::byte> bytes, std::size_t descriptors, End receiver) {
  const auto decoded = guard::decode(bytes, descriptors, receiver);
  return decoded ? "accepted" : decoded.error().reason;
}

std::string_view unsendable(const guard::Message& message, std::size_t descriptors) {
  Bytes bytes;
  const auto written = guard::encode(message, descriptors, bytes);
  return written ? "sent" : written.error().reason;
}

TEST_CASE("guard messages: a packet is a header of eight bytes, fixed-width fields and zeros") {
  CHECK(start_of(packet(guard::Keep{{Role::worker_pidfd, 2, 0x1234}}, 1)) ==
        bytes_of_hex("01 00 01 00 00 00 00 00  0e 00 00 00 02 00 00 00 34 12"));
  CHECK(start_of(packet(guard::Established{})) == bytes_of_hex("01 00 04"));
  CHECK(start_of(packet(guard::Ending{3})) == bytes_of_hex("01 00 05 00 00 00 00 00 03"));
  CHECK(start_of(packet(guard::Notify{NotifyKind::status, 1, 2, "up"})) ==
        bytes_of_hex("01 00 06 00 00 00 00 00  04 00 00 00  01 00 00 00 00 00 00 00  02 00 00 00 00 00 00 00"
                     "02 00 00 00  75 70"));
  CHECK(start_of(packet(guard::Hello{true, 2, guard::EndKind::signaled, 9, true, 77})) ==
        bytes_of_hex("01 00 21 00 00 00 00 00  01 00 00 00  02 00 00 00  02 00 00 00  09 00 00 00  01 00 00 00  4d"));
  CHECK(start_of(packet(guard::KeepFailed{{Role::lock, 0, 0}, -1})) ==
        bytes_of_hex("01 00 24 00 00 00 00 00  01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ff ff ff ff"));
}

TEST_CASE("guard messages: every message comes back as it was sent, at the end that it is for") {
  const auto same = [](const guard::Message& message, std::size_t descriptors, End receiver) {
    CAPTURE(guard::name(message));
    const Bytes bytes = packet(message, descriptors);
    const auto decoded = guard::decode(bytes, descriptors, receiver);
    REQUIRE(decoded.has_value());
    CHECK(*decoded == message);
    const End other = receiver == End::master ? End::guardian : End::master;
    CHECK(refusal(bytes, descriptors, other) == "the message is not for this end of the channel");
  };
  const Key key{Role::worker_link, 0xffffffff, ~std::uint64_t{0}};
  const std::string longest(guard::kTextMax, 'x');
  same(guard::Keep{key}, 1, End::guardian);
  same(guard::Drop{key}, 0, End::guardian);
  same(guard::AskStore{}, 0, End::guardian);
  same(guard::Established{}, 0, End::guardian);
  same(guard::Ending{255}, 0, End::guardian);
  same(guard::Notify{NotifyKind::reloading, ~std::uint64_t{0}, 0, longest}, 0, End::guardian);
  same(guard::Notify{NotifyKind::fdstore, 0, 0, "listener-web"}, 1, End::guardian);
  same(guard::ReplaceBinary{}, 1, End::guardian);
  same(guard::ReplaceGuardian{}, 1, End::guardian);
  same(guard::Hello{false, 0, guard::EndKind::unknown, 0, false, 1}, 0, End::master);
  same(guard::Give{key}, 1, End::master);
  same(guard::Given{4000000000}, 0, End::master);
  same(guard::KeepFailed{key, 24}, 0, End::master);
  same(guard::Signal{15, -1, 4294967294, true}, 0, End::master);
  same(guard::Exited{12, guard::EndKind::signaled, 11, true}, 0, End::master);
  same(guard::GuardianReplaced{2}, 0, End::master);
}

TEST_CASE("guard messages: what is not in the tables is kept as it is, or skipped") {
  Bytes bytes = packet(guard::Keep{{static_cast<Role>(4711), 0, 0}}, 1);
  CHECK(std::get<guard::Keep>(*guard::decode(bytes, 1, End::guardian)).key.role == static_cast<Role>(4711));
  CHECK(guard::name(static_cast<Role>(4711)) == "unknown");
  CHECK(guard::name(Role::worker_pidfd) == "worker_pidfd");

  bytes = packet(guard::Notify{static_cast<NotifyKind>(99), 0, 0, ""});
  CHECK(std::get<guard::Notify>(*guard::decode(bytes, 0, End::guardian)).kind == static_cast<NotifyKind>(99));

  bytes[2] = std::byte{0x63};
  CHECK(*guard::decode(bytes, 0, End::guardian) == guard::Message{guard::Unknown{0x63}});
  CHECK(*guard::decode(bytes, 1, End::master) == guard::Message{guard::Unknown{0x63}});
  CHECK(guard::name(guard::Unknown{0x63}) == "unknown");
}

TEST_CASE("guard messages: what comes behind the known fields is not looked at") {
  Bytes bytes = packet(guard::Ending{1});
  bytes[5] = std::byte{7};
  bytes.back() = std::byte{7};
  CHECK(*guard::decode(bytes, 0, End::guardian) == guard::Message{guard::Ending{1}});
}

TEST_CASE("guard messages: what a decoder refuses") {
  Bytes bytes = packet(guard::Keep{}, 1);
  CHECK(refusal(std::span{bytes}.first(127), 1, End::guardian) == "the packet is not of the size that all have");
  CHECK(refusal({}, 0, End::guardian) == "the packet is not of the size that all have");
  CHECK(refusal(bytes, 0, End::guardian) == "the message should have one descriptor");
  CHECK(refusal(bytes, 2, End::guardian) == "the message should have one descriptor");
  bytes[0] = std::byte{2};
  CHECK(refusal(bytes, 1, End::guardian) == "the packet is of another version");
  CHECK(refusal(packet(guard::Drop{}), 1, End::guardian) == "the message has a descriptor, and should have none");

  bytes = packet(guard::Hello{});
  bytes[8] = std::byte{2};
  CHECK(refusal(bytes, 0, End::master) == "a flag is neither 0 nor 1");

  bytes = packet(guard::Notify{NotifyKind::status, 0, 0, "ab"});
  bytes[28] = std::byte{97};
  CHECK(refusal(bytes, 0, End::guardian) == "a text is too long");
  bytes[28] = std::byte{2};
  bytes[32] = std::byte{'\n'};
  CHECK(refusal(bytes, 0, End::guardian) == "a text has a control character in it");
  CHECK(refusal(packet(guard::Notify{NotifyKind::ready, 0, 0, ""}), 1, End::guardian) ==
        "the message has a descriptor, and should have none");
}

TEST_CASE("guard messages: what cannot be sent") {
  CHECK(unsendable(guard::Notify{NotifyKind::status, 0, 0, std::string(97, 'x')}, 0) == "a text is too long");
  CHECK(unsendable(guard::Notify{NotifyKind::status, 0, 0, "a\nb"}, 0) == "a text has a control character in it");
  CHECK(unsendable(guard::Notify{NotifyKind::fdstore, 0, 0, "a"}, 0) == "the message should have one descriptor");
  CHECK(unsendable(guard::Keep{}, 0) == "the message should have one descriptor");
  CHECK(unsendable(guard::Established{}, 1) == "the message has a descriptor, and should have none");
  CHECK(unsendable(guard::Unknown{1}, 0) == "a message of unknown type cannot be sent");
}

}  // namespace
